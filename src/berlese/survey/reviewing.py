"""What people say of a survey's animals: whom to look at next, and names that are added.

Animals are looked at in an order that is drawn at random (`berlese.survey.review_order`), so that
the names given so far are a fair sample of the survey: counts, calibration and the choice of a
model may rest on them. Names of animals that were picked for another reason count for
themselves, and for nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only, selectinload

from berlese.classify.counts.review_plan import ReviewPlan
from berlese.classify.naming.reserved import is_reserved
from berlese.errors import SettingError, SurveyError
from berlese.features.store import FeatureStore
from berlese.survey.community import known_taxa
from berlese.survey.failures import Failure, StepReport
from berlese.survey.missing import as_argument, missing_step
from berlese.survey.number_ids import ids_meant, is_number
from berlese.survey.qualifiers import QualifiedName, read_name
from berlese.survey.review_order import has_order, keep_plan, plan_for
from berlese.survey.sheets import listed
from berlese.survey.spellings import Spellings, plain_name
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import (
    Identification,
    Model,
    Photo,
    Run,
    Specimen,
    by_models,
    by_people,
    counts_as_unknown,
    current_specimens,
    in_force,
)

STAGE = "review"
IMPORT, SHEET = "import", "sheet"
"""Command and input by which table `run` remembers a sheet of names."""
FURTHER = 100
"""Animals by which an order that has come to its end is continued, at the least."""
SPOKEN = ("validated", "dubious", "discarded", "unknown")
"""What a person can say of an animal."""


@dataclass(frozen=True, slots=True)
class Animal:
    """One current specimen with what was said of it.

    Attributes
    ----------
    specimen_id, sample, photo : str
        `photo` is a path as the survey stores it.
    number : int
        On its photo, as the report shows it.
    crop : Path
    crop_sha256 : str
    named : Identification or None
        The latest model's word.
    reviewed : Identification or None
        A person's latest word.
    several : float or None
        How likely it is more than one animal; None where an older berlese found it.
    """

    specimen_id: str
    sample: str
    photo: str
    number: int
    crop: Path
    crop_sha256: str
    named: Identification | None
    reviewed: Identification | None
    several: float | None = None


@dataclass(frozen=True, slots=True)
class GivenName:
    """What a person says of one animal.

    Parameters
    ----------
    specimen_id : str
    taxon : str, optional
        None confirms `shown`, or else the model's name, where `status` is validated.
    status : {"validated", "dubious", "discarded", "unknown"}
    where : str
        Where it was read, for messages.
    shown : str, optional
        The model's name that the person saw, or ``unknown``: another model may have spoken since.
    insists : bool
        Whether `status` was given in so many words: then it holds for a name with a question mark
        too, which is ``dubious`` otherwise.
    """

    specimen_id: str
    taxon: str | None
    status: str
    where: str
    shown: str | None = None
    insists: bool = False


def animals_of(survey: Survey) -> list[Animal]:
    """List the current specimens, by photo path and from top left to bottom right."""
    words = selectinload(Specimen.identifications).load_only(
        Identification.taxon,
        Identification.rank,
        Identification.qualifier,
        Identification.status,
        Identification.probability,
        Identification.probabilities,
        Identification.model_id,
        Identification.identified_by,
    )
    query = current_specimens().options(
        load_only(
            Specimen.number,
            Specimen.crop_path,
            Specimen.crop_sha256,
            Specimen.photo_sha256,
            Specimen.several,
        ),
        selectinload(Specimen.photo).load_only(Photo.path, Photo.sample_id),
        words,
    )
    with survey.reading() as session:
        animals = [_animal(survey, specimen) for specimen in session.scalars(query)]
        session.expunge_all()
    return animals


def _animal(survey: Survey, specimen: Specimen) -> Animal:
    return Animal(
        specimen.id,
        specimen.photo.sample_id,
        specimen.photo.path,
        specimen.number,
        survey.absolute(specimen.crop_path),
        specimen.crop_sha256,
        in_force(by_models(specimen.identifications)),
        in_force(by_people(specimen.identifications)),
        specimen.several,
    )


def next_to_review(survey: Survey, count: int, *, seed: int = 0) -> list[Animal]:
    """List the animals to look at next, in the survey's random order.

    Where animals are others than when it was drawn, the order goes on for those that there are,
    and is stored so.

    Parameters
    ----------
    survey : Survey
        Named by a model; an order spreads over the features that animals were named by.
    count : int
        So many animals that no person has named; fewer only where all are named.
    seed : int
        Of the order, where none holds yet.

    Raises
    ------
    SurveyError
        If an order is to be drawn or prolonged, and no model has named the animals.
    """
    with survey.exclusive():
        animals = animals_of(survey)
        ids = [each.specimen_id for each in animals]
        done = [row for row, animal in enumerate(animals) if animal.reviewed is not None]
        plan = plan_for(survey, ids)
        if plan is None:
            plan = ReviewPlan.draw(features_of(survey, animals), random_state=seed)
        keep_plan(survey, ids, plan)
        missing = count - len(plan.next_rows(done, count))
        if missing > 0 and len(plan.order) < len(animals):
            further = max(missing + len(done), FURTHER)  # some of those may be named already
            features = features_of(survey, animals)
            plan = plan.extended(features, len(plan.order) + further, random_state=seed)
            keep_plan(survey, ids, plan)
    return [animals[row] for row in plan.next_rows(done, count)]


def chances_of(
    survey: Survey, animals: Sequence[Animal], *, most: int | None = None
) -> NDArray[np.float64]:
    """Give the chance with which each reviewed animal was drawn, of shape (n_reviewed,).

    NaN where it was picked for another reason, comes behind the first `most` of the order, or
    where no order holds for these animals.
    """
    done = [row for row, animal in enumerate(animals) if animal.reviewed is not None]
    plan = plan_for(survey, [each.specimen_id for each in animals])
    return np.full(len(done), np.nan) if plan is None else plan.inclusion(done, most=most)


def drawn_names(survey: Survey) -> int:
    """Count the animals named by people that stand for others, in the order that holds."""
    if not has_order(survey):
        return 0
    return int(np.isfinite(chances_of(survey, animals_of(survey))).sum())


def waiting_names(survey: Survey, animals: Sequence[Animal], most: int) -> int:
    """Count those of the first `most` of the order that are named and stand for no others yet.

    They will, once those that come before them are named.
    """
    plan = plan_for(survey, [each.specimen_id for each in animals])
    if plan is None:
        return 0
    named = np.array([animals[row].reviewed is not None for row in plan.order[:most]], bool)
    return int(named[np.cumprod(named) == 0].sum())


def notes_on_order(survey: Survey, drawn: int, *, removed: bool = False) -> tuple[str, ...]:
    """Tell of names that stand for no others any more, since animals are others now.

    Parameters
    ----------
    survey : Survey
    drawn : int
        How many stood for others before (`drawn_names`).
    removed : bool
        Whether animals are others because photos were taken out, and nothing else.
    """
    if not drawn:
        return ()
    animals = animals_of(survey)
    lost = drawn - int(np.isfinite(chances_of(survey, animals)).sum())
    if lost <= 0:
        return ()
    plan = plan_for(survey, [each.specimen_id for each in animals])
    order = () if plan is None else plan.order
    named = np.array([animals[row].reviewed is not None for row in order], bool)
    if plan is None or (removed and not named.any()):
        return (_none_stands(lost, removed=removed),)
    behind = np.flatnonzero(named & (np.cumprod(named) == 0))[:lost]
    if not len(behind):
        return ()
    which = "1 reviewed name waits" if len(behind) == 1 else f"{len(behind)} reviewed names wait"
    before = int((~named[: behind[-1]]).sum())
    new = "1 animal is" if before == 1 else f"{before} animals are"
    return (
        f"{which} until {new} named that come before in the review's order now; then they stand "
        f"for other animals again: berlese plan {as_argument(survey.folder)} --out FILE.csv lists "
        "these first.",
    )


def _none_stands(lost: int, *, removed: bool) -> str:
    """Say that no reviewed name stands for others any more, why, and what comes next."""
    which = "1 reviewed name stands" if lost == 1 else f"{lost} reviewed names stand"
    if removed:
        return (
            f"{which} for no other animals now: those that the review rests on went with these "
            "photos. Adding the photos again brings that back, as long as no `berlese plan --out` "
            "came in between."
        )
    return (
        f"{which} for no other animals now: too few are left of those that the review was drawn "
        "from. The next `berlese plan` draws anew."
    )


def with_notes_on_order(
    report: StepReport, survey: Survey, drawn: int, *, removed: bool = False
) -> StepReport:
    """Add to a report, among its notes, what `notes_on_order` tells."""
    notes = notes_on_order(survey, drawn, removed=removed)
    return replace(report, notes=(*report.notes, *notes))


def taxa_to_teach(survey: Survey, names: Iterable[GivenName]) -> dict[str, int]:
    """Count the names among these that the latest model does not know; most frequent first."""
    with survey.reading() as session:
        last = session.scalar(
            select(Identification)
            .where(Identification.model_id.is_not(None))
            .order_by(Identification.id.desc())
            .limit(1)
        )
        known = list(last.model.taxa) if last is not None and last.model is not None else None
    if known is None:
        return {}
    spellings = Spellings(known)
    read = [
        (each, read_name(each.taxon))
        for each in names
        if each.status == "validated" and each.taxon is not None
    ]
    said = Counter(
        spellings.settle(name.taxon)
        for each, name in read
        if name.taxon and (each.insists or not name.is_unsure)
    )
    return {taxon: n for taxon, n in said.most_common() if taxon not in known}


def features_of(survey: Survey, animals: Sequence[Animal]) -> NDArray[np.float64]:
    """Fetch the features, of shape (n, dim), by which the latest model named the animals.

    Raises
    ------
    SurveyError
        If an animal is not named, or its features are gone.
    """
    _require_some(survey, animals)
    last = max((animal.named.id for animal in animals if animal.named is not None), default=None)
    with survey.reading() as session:
        said = session.get(Identification, last) if last is not None else None
        model = session.get(Model, said.model_id) if said is not None else None
    if model is None:
        raise SurveyError(
            f"{survey.folder}: no model has named its animals; {missing_step(survey)}."
        )
    return stored_features(survey, animals, model.backbone, model.backbone_hash).astype(np.float64)


def stored_features(
    survey: Survey, animals: Sequence[Animal], backbone: str, backbone_hash: str
) -> NDArray[np.float32]:
    """Fetch the animals' features by a backbone, of shape (n, dim).

    Raises
    ------
    SurveyError
        If there is no animal, or the features of one are gone.
    """
    _require_some(survey, animals)
    keys = [animal.crop_sha256 for animal in animals]
    found = FeatureStore(survey.features).get(keys, backbone_hash)
    missing = [animal for animal in animals if animal.crop_sha256 not in found]
    if missing:
        raise SurveyError(
            f"{missing[0].crop}: has no features of {backbone}, and so have "
            f"{len(missing) - 1} others; run `berlese embed --backbone {backbone}`."
        )
    return np.stack([found[key] for key in keys])


def _require_some(survey: Survey, animals: Sequence[Animal]) -> None:
    if not animals:
        raise SurveyError(f"{survey.folder}: has no animals; {missing_step(survey)}.")


def add_names(survey: Survey, names: Iterable[GivenName], by: str) -> StepReport:
    """Add what a person says; earlier words stay, the latest counts.

    Parameters
    ----------
    survey : Survey
    names : iterable of GivenName
    by : str
        Who says so.

    Returns
    -------
    StepReport
        Skipped are words that the same person said last, whatever others said since; failures
        are animals that the survey does not have, and names that cannot be taken; notes tell of
        names that nobody used before, of animals that no longer count, and of ids that a
        spreadsheet made numbers of, as far as they can mean only one animal.
    """
    if not by.strip():
        raise SettingError("names need the person who gives them; expected --by NAME.")
    spellings = Spellings(known_taxa(survey))
    done, skipped, gone, failures = 0, 0, 0, []
    restored: list[str] = []
    doubted: dict[str, str] = {}
    with survey.exclusive(), survey.writing() as session:
        for given in names:
            try:
                specimen = _specimen(session, given.specimen_id)
                if specimen.id != given.specimen_id:
                    restored.append(f"{given.specimen_id} as {specimen.id}")
                word = _word(specimen, given, by.strip(), spellings)
            except SurveyError as error:
                failures.append(Failure(given.where, STAGE, str(error)))
                continue
            if word is None:
                skipped += 1
                continue
            session.add(word)
            session.flush()
            done += 1
            if word.status == "dubious" and given.status == "validated":
                doubted[str(given.taxon)] = str(word.taxon)
            gone += not (word.specimen.current and word.specimen.photo.current)
    notes = spellings.notes()
    if restored:
        notes.append(
            f"A spreadsheet made numbers of some ids; read as the only animal each can mean: "
            f"{listed(restored)}."
        )
    notes += [
        f"{written!r} was taken as {taxon!r}, dubious, which counts as unknown; write validated "
        f"beside it where it is to count as {taxon!r}."
        for written, taxon in doubted.items()
    ]
    if gone:
        notes.append(f"{gone} of these animals no longer count: found with other settings since.")
    return StepReport(done, skipped, tuple(failures), tuple(notes))


def _specimen(session: Session, written: str) -> Specimen:
    """Find the animal of an id, also where a spreadsheet made a number of it."""
    specimen = session.get(Specimen, written)
    if specimen is not None:
        return specimen
    if not is_number(written):
        raise SurveyError(f"animal {written!r} is not in this survey.")
    number = "A spreadsheet made a number of it: copy it from the sheet as it was written."
    meant = ids_meant(written, session.scalars(select(Specimen.id).order_by(Specimen.id)))
    if len(meant) > 1:
        raise SurveyError(f"animal {written!r} can be {listed(meant)}. {number}")
    if not meant:
        raise SurveyError(f"animal {written!r} is not in this survey. {number}")
    return session.get_one(Specimen, meant[0])


def _word(
    specimen: Specimen, given: GivenName, by: str, spellings: Spellings
) -> Identification | None:
    """Make an identification of what was said; None where it is said already."""
    if given.status not in SPOKEN:
        raise SurveyError(f"status {given.status!r} is none of {', '.join(SPOKEN)}.")
    if given.taxon is not None and (word := plain_name(given.taxon)) and is_reserved(word):
        raise SurveyError(
            f"{given.taxon!r} cannot be a taxon: the word says what became of a name. Give it as "
            f"the status ({', '.join(SPOKEN)}) and no name, or give the name."
        )
    every = specimen.identifications
    model = in_force(by_models(every))
    name = _read(given, spellings)
    taxon = None if name is None else spellings.settle(name.taxon)
    qualifier = None if name is None else name.qualifier
    status = given.status
    if status == "validated" and name is not None and name.is_unsure and not given.insists:
        status = "dubious"
    if taxon is None and status == "validated":
        taxon = given.shown or _sure_name(model)
        if taxon is None or is_reserved(taxon):
            raise SurveyError("there is no model's name to confirm; give one, or unknown.")
    own = [each for each in every if (each.identified_by or "").casefold() == by.casefold()]
    last = in_force(own)
    if last is not None and (last.taxon, last.status, last.qualifier) == (taxon, status, qualifier):
        return None
    return Identification(
        specimen_id=specimen.id,
        taxon=taxon,
        rank=_rank_of(taxon, every),
        qualifier=qualifier,
        status=status,
        identified_by=by,
        identified_at=utc_now(),
    )


def _read(given: GivenName, spellings: Spellings) -> QualifiedName | None:
    """Read a name; one that is in use as it stands is taken so. None where there is none."""
    text = plain_name(given.taxon or "")
    if not text:
        return None
    name = QualifiedName(text) if spellings.knows(text) else read_name(text)
    if not name.taxon:
        raise SurveyError(f"{text!r} is no name; give one, or the status unknown.")
    return name


def _sure_name(word: Identification | None) -> str | None:
    return None if word is None or counts_as_unknown(word) else word.taxon


def _rank_of(taxon: str | None, words: Iterable[Identification]) -> str | None:
    """Rank of a name, where a model that spoke of the animal has it among its taxa."""
    models = (word.model for word in words if word.model is not None)
    return next((model.rank for model in models if taxon in model.taxa), None)


def imported_before(survey: Survey, sheet_sha256: str, by: str) -> str | None:
    """Tell when the same person gave the very same sheet; None where that never happened.

    Parameters
    ----------
    survey : Survey
    sheet_sha256 : str
        Of the file.
    by : str
    """
    query = select(Run).where(Run.command == IMPORT, Run.finished_at.is_not(None))
    with survey.reading() as session:
        for run in session.scalars(query.order_by(Run.id)):
            same_person = str(run.settings.get("by", "")).casefold() == by.strip().casefold()
            if same_person and run.input_hashes.get(SHEET) == sheet_sha256:
                return run.finished_at
    return None
