"""All tables at once: what they rest on is computed once."""

from pathlib import Path

import pandas as pd
import pytest

from berlese.survey import estimates, outputs
from berlese.survey.outputs import write_outputs
from berlese.survey.report import write_report
from berlese.survey.reviewing import GivenName, add_names, animals_of
from berlese.survey.steps import add_photos, segment_photos
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification
from tests.drawing import dish, save
from tests.survey.conftest import N_ANIMALS
from tests.survey.test_estimates import review


@pytest.mark.parametrize("reviewed", [0, N_ANIMALS])
def test_tables_and_report_share_one_estimate_of_the_same_bytes(
    named: Survey, monkeypatch, reviewed: int
) -> None:
    if reviewed:
        review(named, reviewed)
    alone = write_report(named).read_bytes()
    calls = []
    count = estimates.estimate_counts

    def counted(*arguments, **options):
        calls.append(arguments)
        return count(*arguments, **options)

    monkeypatch.setattr(estimates, "estimate_counts", counted)
    written = write_outputs(named)
    assert write_report(named, estimates=written.estimates).read_bytes() == alone
    assert len(calls) == 1


def test_tables_that_cannot_be_written_to_the_end_stay_as_they_were(
    named: Survey, monkeypatch
) -> None:
    write_outputs(named)
    before = {path.name: path.read_bytes() for path in named.exports.iterdir()}
    review(named, N_ANIMALS)

    def full(survey: Survey) -> list[Path]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "write_measurements", full)
    with pytest.raises(OSError, match="No space"):
        write_outputs(named)
    assert {path.name: path.read_bytes() for path in named.exports.iterdir()} == before


DOUBTS = ("dubious", "unknown", "predicted")


def unknown_by_sample(survey: Survey, column: str) -> list[dict[str, float]]:
    """Unknown animals of each sample by two files and by the estimates' `column`."""
    written = write_outputs(survey)
    text = {"eventID": str}
    community = pd.read_csv(survey.exports / "community.csv", dtype=text)
    listed = pd.read_csv(survey.exports / "unknowns.csv", dtype=text)
    assert written.estimates is not None
    cells = written.estimates.by_sample
    estimated = getattr(cells, column)[:, cells.taxa.index("unknown")]
    return [
        dict(zip(community["eventID"], community["unknown"], strict=True)),
        listed["eventID"].value_counts().to_dict(),
        dict(zip(cells.samples, estimated.tolist(), strict=True)),
    ]


def test_all_files_count_the_same_animals_as_unknown_where_a_model_doubts(named: Survey) -> None:
    animals = animals_of(named)
    with named.writing() as session:
        for number, animal in enumerate(animals):
            word = animal.named
            assert word is not None
            session.add(
                Identification(
                    specimen_id=animal.specimen_id,
                    taxon=word.taxon,
                    probability=word.probability,
                    probabilities=word.probabilities,
                    status=DOUBTS[number % len(DOUBTS)],
                    model_id=word.model_id,
                    identified_at="2024-05-31T12:00:00Z",
                )
            )
    community, listed, corrected = unknown_by_sample(named, "raw")
    assert sum(community.values()) == 2 * N_ANIMALS / len(DOUBTS)
    assert community == listed == corrected


def test_all_files_count_the_same_animals_as_unknown_where_people_doubt(named: Survey) -> None:
    animals = animals_of(named)
    kinds = (("Carabidae", "validated"), (None, "dubious"), (None, "unknown"), (None, "discarded"))
    names = [
        GivenName(animal.specimen_id, *kinds[number % len(kinds)], "sheet")
        for number, animal in enumerate(animals)
    ]
    assert add_names(named, names, "Ada").n_done == N_ANIMALS
    community, listed, corrected = unknown_by_sample(named, "counts")
    assert sum(community.values()) == sum(each.status in DOUBTS[:2] for each in names)
    assert community == listed == corrected


def test_animals_without_a_name_yet_are_unknown_in_all_files(named: Survey, tmp_path: Path) -> None:
    assert (
        add_names(
            named,
            [GivenName(each.specimen_id, None, "unknown", "here") for each in animals_of(named)],
            "Ada",
        ).failures
        == ()
    )
    save(tmp_path / "photos" / "2.png", dish(2, 3))
    add_photos(named, [tmp_path / "photos"])
    segment_photos(named)
    community, listed, _ = unknown_by_sample(named, "raw")
    assert community == listed == {"0": 8, "1": 7, "2": 3}
    assert pd.read_csv(named.exports / "unknowns.csv")["group"].notna().any()
