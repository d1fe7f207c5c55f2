"""What a sheet of samples says beyond the columns that berlese works with.

Sampling effort, protocol, habitat, temperature, whoever took the photo: each is kept as text, as it
was given, for every photo of the sheet, and written behind our own columns of the tables. A header
that Darwin Core has a term for, whatever its case, spaces, - and _, gets the term's spelling. A
sample with several values (one a photo, say) has all of them in the tables, with `` | `` between,
as Darwin Core lists values.
"""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select

from berlese.survey.sheets import Sheet, folded
from berlese.survey.spellings import free_name
from berlese.survey.survey import Survey
from berlese.survey.tables import Photo, UnusablePhoto

SEPARATOR = " | "
EVENT_TERMS = (
    *("samplingProtocol", "samplingEffort", "sampleSizeValue", "sampleSizeUnit", "habitat"),
    *("eventType", "eventTime", "eventRemarks", "verbatimEventDate", "year", "month", "day"),
    *("fieldNumber", "fieldNotes", "recordedBy", "institutionCode", "collectionCode"),
    *("continent", "country", "countryCode", "stateProvince", "county", "municipality"),
    *("locality", "verbatimLocality", "locationRemarks", "waterBody", "island"),
    *("minimumElevationInMeters", "maximumElevationInMeters", "verbatimElevation"),
    *("minimumDepthInMeters", "maximumDepthInMeters", "verbatimDepth"),
    *("geodeticDatum", "coordinateUncertaintyInMeters", "verbatimCoordinates"),
)
"""Darwin Core's terms of events and locations; https://dwc.tdwg.org/terms/"""
_TERM = {folded(term): term for term in EVENT_TERMS}


def named_columns(sheet: Sheet, taken: Collection[int]) -> dict[str, int]:
    """Name the columns of a sheet that are not `taken`; nothing that has a name or text is lost.

    Returns
    -------
    dict of str to int
        Place of each column, by a name that no other has. One without a header is called by its
        number, if any of its cells holds text.
    """
    names: dict[str, int] = {}
    for at, header in enumerate(sheet.header):
        if at in taken or not (header or any(cells[at] for _, cells in sheet.rows)):
            continue
        name = _TERM.get(folded(header), header) or f"column {at + 1}"
        names[free_name(name, names)] = at
    return names


def joined(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Put what several rows say into one: each value once, in their order.

    >>> joined([{"trap": "pitfall", "by": "Ada"}, {"trap": "pitfall", "by": "Eva"}, {"by": ""}])
    {'trap': 'pitfall', 'by': 'Ada | Eva'}
    """
    values: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, {})
            if value:
                values[name][value] = None
    return {name: SEPARATOR.join(each) for name, each in values.items()}


def properties_by_sample(survey: Survey) -> dict[str, dict[str, str]]:
    """What the sheets said of each sample's photos, those that cannot be used included."""
    photos = select(Photo.sample_id, Photo.path, Photo.properties).where(Photo.current)
    unusable = select(UnusablePhoto.sample_id, UnusablePhoto.path, UnusablePhoto.properties)
    with survey.reading() as session:
        rows = [*session.execute(photos), *session.execute(unusable)]
    said: dict[str, list[Mapping[str, str]]] = {}
    for sample, _, properties in sorted(rows, key=lambda row: row[1]):
        said.setdefault(sample, []).append(properties or {})
    return {sample: joined(each) for sample, each in said.items()}
