"""All tables at once: what they rest on is computed once."""

import pytest

from berlese.survey import estimates
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
