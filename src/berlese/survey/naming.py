"""From crops to names: features of a survey's specimens, and what a model makes of them.

One photo is one unit of work. Features are stored by the crop's hash; identifications are
added, never changed, and not repeated for a specimen that the same model named last, with the
same crop and the same settings. Where animals are told unknown by what all of them look like, the
animals of the survey are a setting too: with new photos, all are named again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session, load_only, selectinload

from berlese.classify.models.bundle import Bundle, Predictions
from berlese.classify.naming.promises import NamingSettings
from berlese.classify.unknowns.contrast import FEWEST, Contrast
from berlese.classify.unknowns.rule import CONTRAST
from berlese.features.embed import Extractor, embed_files
from berlese.features.store import FeatureStore
from berlese.survey.domain import forget_domain, write_domain
from berlese.survey.failures import Failure, StepReport, record_failures
from berlese.survey.segmenting import hash_of
from berlese.survey.survey import Survey, utc_now
from berlese.survey.tables import Identification, Model, Photo, Specimen, current_specimens

EMBED_STAGE = "embed"
IDENTIFY_STAGE = "predict"
DECIMALS = 6  # of stored probabilities


@dataclass(frozen=True, slots=True)
class _Crop:
    """What the steps need of one specimen."""

    specimen_id: str
    photo_path: str
    path: str
    sha256: str
    named_by: tuple[str | None, str | None]


def embed_specimens(
    survey: Survey,
    backbone: Extractor,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> StepReport:
    """Compute the features of all current specimens that have none from this backbone.

    Parameters
    ----------
    survey : Survey
        Whose specimens; features go to its feature store.
    backbone : Extractor
        See `berlese.features.backbones`.
    jobs : int, optional
        Threads that read crops.
    progress : callable, optional
        Called with the number of specimens just finished, known ones included.
    """
    store = FeatureStore(survey.features)
    with survey.exclusive():
        crops = _crops(survey)
        known = store.get([crop.sha256 for crop in crops], backbone.hash)
        todo = [crop for crop in crops if crop.sha256 not in known]
        if progress is not None and len(crops) > len(todo):
            progress(len(crops) - len(todo))
        paths = {survey.absolute(crop.path): crop.path for crop in todo}
        result = embed_files(list(paths), backbone, store=store, jobs=jobs, progress=progress)
        failures = [Failure(paths[path], EMBED_STAGE, reason) for path, reason in result.failures]
        record_failures(survey.folder, EMBED_STAGE, [crop.path for crop in crops], failures)
    return StepReport(len(todo) - len(failures), len(crops) - len(todo), tuple(failures))


def identify_specimens(
    survey: Survey,
    bundle: Bundle,
    settings: NamingSettings | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> StepReport:
    """Let a model name all current specimens.

    Parameters
    ----------
    survey : Survey
        Whose specimens; they need features of the bundle's backbone.
    bundle : Bundle
        The model.
    settings : NamingSettings, optional
        What is asked of the model.
    progress : callable, optional
        Called with the number of specimens just finished.
    """
    asked_for = NamingSettings() if settings is None else settings
    store = FeatureStore(survey.features)
    done, skipped, failures = 0, 0, []
    with survey.exclusive():
        crops = _crops(survey)
        model_id = bundle.hash
        compared = _compared(crops, bundle, asked_for)
        judged_together = compared and bundle.unknown_rule.known is not None
        population = _population(crops) if judged_together else None
        asked = {crop: (model_id, _settings(crop, asked_for, population)) for crop in crops}
        anew = [crop for crop in crops if crop.named_by != asked[crop]]
        needed = crops if compared and anew else anew
        features = store.get([crop.sha256 for crop in needed], bundle.backbone_hash)
        together = _together(crops, features, bundle) if compared else None
        if together is not None:
            _remember_domain(survey, bundle, model_id, asked_for, together)
        elif anew and not compared:
            forget_domain(survey)
        for _, members in groupby(crops, key=lambda crop: crop.photo_path):
            on_photo = list(members)
            todo = [crop for crop in on_photo if crop.named_by != asked[crop]]
            ready = [crop for crop in todo if crop.sha256 in features]
            failures += [
                _without_features(crop, bundle) for crop in todo if crop.sha256 not in features
            ]
            if ready:
                predicted = _predicted(ready, features, bundle, asked_for, together)
                with survey.writing() as session:
                    _ensure_model(session, model_id, bundle)
                    session.add_all(_identifications(ready, predicted, bundle, asked))
            done += len(ready)
            skipped += len(on_photo) - len(todo)
            if progress is not None:
                progress(len(on_photo))
        record_failures(survey.folder, IDENTIFY_STAGE, [crop.path for crop in crops], failures)
    notes = () if together is None else (together.in_words(bundle),)
    return StepReport(done, skipped, tuple(failures), notes)


def _remember_domain(
    survey: Survey,
    bundle: Bundle,
    model_id: str,
    settings: NamingSettings,
    together: "_Together",
) -> None:
    """Keep whether the photos are like those that the model's promises rest on."""
    write_domain(
        survey,
        model_id,
        together.contrast.check,
        together.in_words(bundle),
        unknown_rate=settings.unknown_rate,
        held_out=bundle.seen,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """A survey's animals seen together, and which row is whose."""

    contrast: Contrast
    rows: Mapping[str, int]

    def of(self, crops: Sequence[_Crop]) -> Contrast:
        """Take some of the animals."""
        p = self.contrast.p_values
        rows = [self.rows[crop.specimen_id] for crop in crops]
        return replace(self.contrast, p_values=None if p is None else p[rows])

    def in_words(self, bundle: Bundle) -> str:
        """Say whether the model's promises hold for these photos."""
        return f"{bundle.place_in_words(self.contrast.check)}."


def _compared(crops: Sequence[_Crop], bundle: Bundle, settings: NamingSettings) -> bool:
    """Whether all animals are seen together, at least to tell of what domain they are."""
    asked = settings.unknown_score == CONTRAST and settings.unknown_threshold is None
    return asked and bundle.unknown_rule.tells_domain and len(crops) >= FEWEST


def _population(crops: Sequence[_Crop]) -> str:
    """Hash the animals that are judged together."""
    return hash_of({"crops": sorted(crop.sha256 for crop in crops)})


def _together(
    crops: Sequence[_Crop], features: Mapping[str, NDArray[np.float32]], bundle: Bundle
) -> _Together | None:
    seen = [crop for crop in crops if crop.sha256 in features]
    if not seen:
        return None
    found = bundle.contrasted(
        np.stack([features[crop.sha256] for crop in seen]),
        [crop.photo_path for crop in seen],
        backbone_hash=bundle.backbone_hash,
    )
    rows = {crop.specimen_id: row for row, crop in enumerate(seen)}
    return None if found is None else _Together(found, rows)


def _predicted(
    crops: Sequence[_Crop],
    features: Mapping[str, NDArray[np.float32]],
    bundle: Bundle,
    settings: NamingSettings,
    together: _Together | None,
) -> Predictions:
    """Let the model name some animals, in view of all of them where they are seen together."""
    return bundle.predict(
        np.stack([features[crop.sha256] for crop in crops]),
        backbone_hash=bundle.backbone_hash,
        settings=settings,
        together=None if together is None else together.of(crops),
    )


def _crops(survey: Survey) -> list[_Crop]:
    query = current_specimens().options(
        load_only(Specimen.crop_path, Specimen.crop_sha256, Specimen.photo_sha256),
        selectinload(Specimen.photo).load_only(Photo.path),
        selectinload(Specimen.identifications).load_only(
            Identification.model_id, Identification.settings_hash
        ),
    )
    with survey.reading() as session:
        return [
            _Crop(
                specimen.id,
                specimen.photo.path,
                specimen.crop_path,
                specimen.crop_sha256,
                _last_model(specimen.identifications),
            )
            for specimen in session.scalars(query)
        ]


def _last_model(said: Sequence[Identification]) -> tuple[str | None, str | None]:
    by_models = [each for each in said if each.model_id is not None]
    return (by_models[-1].model_id, by_models[-1].settings_hash) if by_models else (None, None)


def _settings(crop: _Crop, settings: NamingSettings, population: str | None) -> str:
    together = {} if population is None else {"population": population}
    return hash_of({"crop": crop.sha256, **settings.to_dict(), **together})


def _without_features(crop: _Crop, bundle: Bundle) -> Failure:
    reason = f"has no features of {bundle.backbone}; run `berlese embed` with that backbone."
    return Failure(crop.path, IDENTIFY_STAGE, reason)


def _ensure_model(session: Session, model_id: str, bundle: Bundle) -> None:
    if session.get(Model, model_id) is None:
        session.add(
            Model(
                id=model_id,
                rank=bundle.rank,
                taxa=list(bundle.classes),
                backbone=bundle.backbone,
                backbone_hash=bundle.backbone_hash,
                training=dict(bundle.training),
            )
        )


def _identifications(
    crops: Iterable[_Crop],
    predicted: Predictions,
    bundle: Bundle,
    asked: Mapping[_Crop, tuple[str, str]],
) -> list[Identification]:
    now = utc_now()
    return [
        Identification(
            specimen_id=crop.specimen_id,
            taxon=str(predicted.taxon[at]),
            rank=str(predicted.rank[at]),
            probability=round(float(predicted.probability[at]), DECIMALS),
            probabilities=_by_taxon(bundle.classes, predicted.probabilities[at]),
            status=predicted.status(at),
            model_id=asked[crop][0],
            settings_hash=asked[crop][1],
            identified_at=now,
        )
        for at, crop in enumerate(crops)
    ]


def _by_taxon(taxa: Sequence[str], probabilities: NDArray[np.floating]) -> Mapping[str, float]:
    return {
        taxon: round(float(value), DECIMALS)
        for taxon, value in zip(taxa, probabilities, strict=True)
    }
