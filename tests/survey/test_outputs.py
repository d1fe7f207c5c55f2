"""All tables at once: what they rest on is computed once."""

from pathlib import Path

import pytest

from berlese.survey import estimates, outputs
from berlese.survey.outputs import write_outputs
from berlese.survey.report import write_report
from berlese.survey.survey import Survey
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
