"""The schema of a survey's database.

Attributes are in Python's spelling; columns carry the Darwin Core, Audubon Core or Camtrap DP
term where there is one (``Sample.id`` is ``eventID``, ``Specimen.x`` is ``bboxX``). Boxes are
fractions of the upright photo (after EXIF rotation), from its top left corner; outlines and
`_px` measurements are in its pixels. Dates are ISO 8601 text, times are UTC.

Nothing here opens a database (see `berlese.survey.survey`) or creates the tables (see
`berlese.survey.migrations`). What counts now is `in_force` (identifications) and the rows with
``current`` set: a photo that was edited and a specimen that newer settings no longer find stay
in the database, with what was said about them, but are not current.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    MetaData,
    Select,
    event,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column, relationship

from berlese.errors import SurveyError
from berlese.specimens.outline import Box

STATUSES = ("predicted", "validated", "dubious", "discarded", "unknown")
"""What an identification can be; ``unknown`` is the program's doubt that it knows the taxon."""


class Base(DeclarativeBase):
    """Registry of all tables; constraints are named so that migrations can address them."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {float: Double()}

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Sample(Base):
    """One bulk sample: animals taken at one site on one date, on one photo or several."""

    __tablename__ = "sample"

    id: Mapped[str] = mapped_column("eventID", primary_key=True)
    site: Mapped[str] = mapped_column("locationID")
    event: Mapped[str | None] = mapped_column("parentEventID")
    date: Mapped[str | None] = mapped_column("eventDate")
    latitude: Mapped[float | None] = mapped_column("decimalLatitude")
    longitude: Mapped[float | None] = mapped_column("decimalLongitude")

    photos: Mapped[list["Photo"]] = relationship(back_populates="sample", order_by="Photo.path")
    unusable_photos: Mapped[list["UnusablePhoto"]] = relationship(back_populates="sample")


class Photo(Base):
    """One photo file, known by the hash of its bytes; sizes in pixels after EXIF rotation."""

    __tablename__ = "photo"
    __table_args__ = (
        Index(
            "ix_photo_current_path",
            "accessURI",
            unique=True,
            sqlite_where=text("current"),
            postgresql_where=text("current"),
        ),
    )

    sha256: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column("accessURI")
    """Relative to the survey folder, forward slashes; absolute where no relative path exists."""
    sample_id: Mapped[str] = mapped_column("eventID", ForeignKey(Sample.id), index=True)
    size: Mapped[int] = mapped_column("sizeBytes", BigInteger)
    width: Mapped[int] = mapped_column("pixelXDimension")
    height: Mapped[int] = mapped_column("pixelYDimension")
    mm_per_pixel: Mapped[float | None] = mapped_column("mmPerPixel")
    scale_source: Mapped[str | None] = mapped_column("mmPerPixelSource")
    """Who says so: stated (by the user, for this photo), tags (of the file) or survey.toml."""
    instrument: Mapped[str | None] = mapped_column("captureDevice")
    notes: Mapped[list[str]] = mapped_column(JSON)
    segmentation: Mapped[str | None] = mapped_column("segmentationHash")
    """Hash of the settings that its specimens were found with; None until then."""
    imaging: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What `berlese.survey.imaging` saw on it, and for which segmentation."""
    properties: Mapped[dict[str, str] | None] = mapped_column(
        "dynamicProperties", JSON(none_as_null=True)
    )
    """Other columns of the sheet of samples, see `berlese.survey.properties`."""
    current: Mapped[bool] = mapped_column(default=True)

    sample: Mapped[Sample] = relationship(back_populates="photos")
    specimens: Mapped[list["Specimen"]] = relationship(
        back_populates="photo", order_by="Specimen.number"
    )
    edits: Mapped[list["OutlineEdit"]] = relationship(order_by="OutlineEdit.id")


class UnusablePhoto(Base):
    """A file that was given as a photo and cannot be used: its sample lacks animals."""

    __tablename__ = "unusable_photo"

    path: Mapped[str] = mapped_column("accessURI", primary_key=True)
    sample_id: Mapped[str] = mapped_column("eventID", ForeignKey(Sample.id), index=True)
    properties: Mapped[dict[str, str] | None] = mapped_column(
        "dynamicProperties", JSON(none_as_null=True)
    )

    sample: Mapped[Sample] = relationship(back_populates="unusable_photos")


class Specimen(Base):
    """One animal on one photo."""

    __tablename__ = "specimen"

    id: Mapped[str] = mapped_column("occurrenceID", primary_key=True)
    """From the photo's hash and the box (`specimen_id`): the same in every run."""
    photo_sha256: Mapped[str] = mapped_column("photoSha256", ForeignKey(Photo.sha256), index=True)
    number: Mapped[int] = mapped_column("organismNumber")
    """From 1, top left to bottom right on its photo."""
    x: Mapped[float] = mapped_column("bboxX")
    y: Mapped[float] = mapped_column("bboxY")
    width: Mapped[float] = mapped_column("bboxWidth")
    height: Mapped[float] = mapped_column("bboxHeight")
    polygon: Mapped[list[list[float]]] = mapped_column(JSON)
    """Outline as [x, y] points in photo pixels."""
    score: Mapped[float] = mapped_column("detectionProbability")
    several: Mapped[float | None] = mapped_column("severalProbability")
    """How likely it is more than one animal; None where an older berlese found it."""
    flags: Mapped[list[str]] = mapped_column(JSON)
    length_px: Mapped[float | None] = mapped_column("lengthPx")
    width_px: Mapped[float | None] = mapped_column("widthPx")
    area_px: Mapped[float | None] = mapped_column("areaPx")
    angle_deg: Mapped[float | None] = mapped_column("angleDeg")
    body_area_px: Mapped[float | None] = mapped_column("bodyAreaPx")
    perimeter_px: Mapped[float | None] = mapped_column("perimeterPx")
    major_px: Mapped[float | None] = mapped_column("majorPx")
    minor_px: Mapped[float | None] = mapped_column("minorPx")
    feret_px: Mapped[float | None] = mapped_column("feretPx")
    """None where an older berlese measured, with the legs in length and width."""
    volume_px3: Mapped[float | None] = mapped_column("volumePx3")
    axis: Mapped[list[list[float]] | None] = mapped_column("bodyAxis", JSON(none_as_null=True))
    """Axis of the body as [x, y] points in photo pixels."""
    look: Mapped[dict[str, float | None] | None] = mapped_column(JSON(none_as_null=True))
    """How sharp and bright it is, see `berlese.specimens.sharpness.Look`."""
    crop_path: Mapped[str] = mapped_column("cropPath")
    """Relative to the survey folder, forward slashes."""
    crop_sha256: Mapped[str] = mapped_column("cropSha256", index=True)
    current: Mapped[bool] = mapped_column(default=True)

    photo: Mapped[Photo] = relationship(back_populates="specimens")
    identifications: Mapped[list["Identification"]] = relationship(
        back_populates="specimen", order_by="Identification.id"
    )

    def box_on(self, photo: Photo) -> Box:
        """Give its box in pixels of `photo`, the one that it lies on."""
        fractions = (self.x, self.y, self.width, self.height)
        return Box.from_normalised(fractions, photo.width, photo.height)


class OutlineEdit(Base):
    """Outlines that a person joined to one, or one that a person cut into several; only added."""

    __tablename__ = "outline_edit"

    id: Mapped[int] = mapped_column("outlineEditID", primary_key=True, autoincrement=True)
    photo_sha256: Mapped[str] = mapped_column("photoSha256", ForeignKey(Photo.sha256), index=True)
    before: Mapped[list[list[list[float]]]] = mapped_column(JSON)
    """Outlines as they were: of each, [x, y] points in photo pixels."""
    after: Mapped[list[list[list[float]]]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column("editedBy")
    at: Mapped[str] = mapped_column("editedAt")


class Model(Base):
    """One saved model (bundle) that has named specimens of this survey."""

    __tablename__ = "model"

    id: Mapped[str] = mapped_column("modelID", primary_key=True)
    """Hash of the bundle's content."""
    rank: Mapped[str] = mapped_column("taxonRank")
    taxa: Mapped[list[str]] = mapped_column(JSON)
    backbone: Mapped[str]
    backbone_hash: Mapped[str] = mapped_column("backboneHash")
    training: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Summary of the training set, as the bundle states it."""


class Identification(Base):
    """One statement about one specimen, by a model or a person; added, never changed."""

    __tablename__ = "identification"
    __table_args__ = (
        CheckConstraint(f'"identificationVerificationStatus" IN {STATUSES}', name="status"),
        CheckConstraint('"modelID" IS NOT NULL OR "identifiedBy" IS NOT NULL', name="author"),
    )

    id: Mapped[int] = mapped_column("identificationID", primary_key=True, autoincrement=True)
    specimen_id: Mapped[str] = mapped_column("occurrenceID", ForeignKey(Specimen.id), index=True)
    taxon: Mapped[str | None] = mapped_column("scientificName")
    """The name; for an unknown from a model, the nearest taxon that the model knows."""
    rank: Mapped[str | None] = mapped_column("taxonRank")
    qualifier: Mapped[str | None] = mapped_column("identificationQualifier")
    """What a person wrote beside the name, such as ``cf.`` or ``?``."""
    probability: Mapped[float | None] = mapped_column("classificationProbability")
    probabilities: Mapped[dict[str, float] | None] = mapped_column(JSON(none_as_null=True))
    """Of every taxon that the model knows; None where a person spoke."""
    status: Mapped[str] = mapped_column("identificationVerificationStatus")
    model_id: Mapped[str | None] = mapped_column("modelID", ForeignKey(Model.id), index=True)
    settings_hash: Mapped[str | None] = mapped_column("settingsHash")
    """Hash of what else the model's answer rests on (crop, unknown rate)."""
    identified_by: Mapped[str | None] = mapped_column("identifiedBy")
    """The person; None where a model spoke."""
    identified_at: Mapped[str] = mapped_column("dateIdentified")

    specimen: Mapped[Specimen] = relationship(back_populates="identifications")
    model: Mapped[Model | None] = relationship()


class ReviewOrder(Base):
    """The order in which people look at animals, drawn at random; the latest counts.

    Where it was drawn from other animals than there are now, it goes on for those that there are,
    see `berlese.survey.review_order`.
    """

    __tablename__ = "review_order"

    id: Mapped[int] = mapped_column("reviewOrderID", primary_key=True, autoincrement=True)
    specimen_ids: Mapped[list[str]] = mapped_column("occurrenceIDs", JSON)
    """The first to look at first; any beginning of it is a random sample."""
    others: Mapped[list[str] | None] = mapped_column("otherOccurrenceIDs", JSON(none_as_null=True))
    """Those that it was drawn from too and does not list; None where an older berlese drew it."""
    population: Mapped[int] = mapped_column("populationSize")
    """Animals that it was drawn from."""
    population_hash: Mapped[str] = mapped_column("populationHash")
    """Of their ids: with other animals, chances are others."""
    made_at: Mapped[str] = mapped_column("madeAt")


class Run(Base):
    """One command that worked on the survey; `finished_at` stays empty if it was killed."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column("runID", primary_key=True, autoincrement=True)
    command: Mapped[str]
    version: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    input_hashes: Mapped[dict[str, str]] = mapped_column("inputHashes", JSON)
    started_at: Mapped[str] = mapped_column("startedAt")
    finished_at: Mapped[str | None] = mapped_column("finishedAt")


def specimen_id(photo_sha256: str, x: float, y: float, width: float, height: float) -> str:
    """Derive a specimen's id from its photo's hash and its normalised box (20 hex digits)."""
    box = ",".join(f"{value:.6f}" for value in (x, y, width, height))
    return sha256(f"{photo_sha256}:{box}".encode()).hexdigest()[:20]


def current_photos() -> Select[Photo]:
    """Select the photos that count, in the order of their paths."""
    return select(Photo).where(Photo.current).order_by(Photo.path)


def current_specimens() -> Select[Specimen]:
    """Select the specimens that count: by photo path, then from top left to bottom right."""
    return (
        select(Specimen)
        .join(Photo)
        .where(Photo.current, Specimen.current)
        .order_by(Photo.path, Specimen.number)
    )


def by_people(identifications: Iterable[Identification]) -> list[Identification]:
    """Keep what people said of one specimen, in the same order."""
    return [each for each in identifications if each.identified_by is not None]


def by_models(identifications: Iterable[Identification]) -> list[Identification]:
    """Keep what models said of one specimen, in the same order."""
    return [each for each in identifications if each.identified_by is None]


def in_force(identifications: Iterable[Identification]) -> Identification | None:
    """Choose what counts for one specimen: a person's latest word, else the latest model's.

    Parameters
    ----------
    identifications : iterable of Identification
        All of one specimen, in the order in which they were added.
    """
    every = list(identifications)
    chosen = by_people(every) or every
    return chosen[-1] if chosen else None


def counts_as_unknown(word: Identification | None) -> bool:
    """Tell whether an animal of which this is said counts, and counts as unknown.

    So do animals that are unknown or dubious, and those that nobody has named yet; discarded ones
    do not count at all. What the tables hold goes by the word in force (`in_force`); what says how
    a model names goes by the model's own.

    Parameters
    ----------
    word : Identification or None
        None where nothing is said of the animal.
    """
    if word is None:
        return True
    if word.status == "discarded":
        return False
    return word.taxon is None or word.status not in ("predicted", "validated")


@event.listens_for(Identification, "before_update")
@event.listens_for(Identification, "before_delete")
def _refuse_change(
    mapper: Mapper[Identification], connection: Connection, target: Identification
) -> None:
    """Keep the log append-only; the database's own triggers refuse plain SQL as well."""
    raise SurveyError(
        f"identification {target.id} of specimen {target.specimen_id} cannot be changed or "
        "deleted: add a new one, the latest counts."
    )
