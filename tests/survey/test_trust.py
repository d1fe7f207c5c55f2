"""What the report says of trust: the guard's verdict and promises."""

from sqlalchemy import select

from berlese.classify.adaptation.guard import Verdict
from berlese.survey.report import with_code, write_report
from berlese.survey.survey import Survey
from berlese.survey.tables import Identification, Model, Specimen
from berlese.survey.trust import trust_in

VERDICT = Verdict(
    method="reviewed",
    verified=True,
    animals=240,
    reviewed=30,
    gain=0.2,
    low=0.05,
    high=0.35,
    p_value=0.07,
    worse=0.04,
    renamed=0.5,
    reasons=("9 became right and 3 wrong; probability that it is worse 0.04",),
    advice="Adapt again with more names (`berlese plan`).",
)


def adapt(survey: Survey, verdict: Verdict) -> None:
    """Let an adapted model name every animal after the one that there is."""
    training = {
        "adaptation": verdict.to_dict(),
        "promises": ["unknowns are told by what 7 reviewed unknown ones look like"],
    }
    with survey.writing() as session:
        session.add(
            Model(
                id="adapted",
                rank="family",
                taxa=["Longidae"],
                backbone="b",
                backbone_hash="h",
                training=training,
            )
        )
        session.flush()
        for each in session.scalars(select(Specimen)):
            session.add(
                Identification(
                    specimen_id=each.id,
                    taxon="Longidae",
                    rank="family",
                    probability=0.9,
                    status="predicted",
                    model_id="adapted",
                    identified_at="2026-01-01T00:00:00Z",
                )
            )


def section(survey: Survey) -> str:
    page = write_report(survey).read_text(encoding="utf-8")
    return page[page.index('id="trust"') : page.index('id="reading"')]


def test_a_survey_that_no_model_named_has_nothing_to_trust(survey: Survey) -> None:
    assert trust_in(survey) is None


def test_the_report_says_what_the_guard_found(named: Survey) -> None:
    adapt(named, VERDICT)
    assert trust_in(named).verdict == VERDICT
    said = section(named)
    assert "Adapted by reviewed (verified): 50% of 240 animals are renamed." in said
    assert "probability that it is worse 0.04" in said
    assert "<code>berlese plan</code>" in said
    assert "Unknowns are told by what 7 reviewed unknown ones look like." in said


def test_an_error_rate_that_was_asked_for_is_said_and_else_how_to_ask(named: Survey) -> None:
    said = section(named)
    assert "No rate of wrong names was asked for" in said
    assert "sure enough, on photos like those the model was checked on only" in said
    with named.recorded("predict", {"error_rate": 0.05}, {}):
        pass
    assert "at an error of 5 % at the most" in section(named)


def test_names_in_backticks_are_code_and_all_else_is_text() -> None:
    assert with_code("<b> `a & b` c") == "&lt;b&gt; <code>a &amp; b</code> c"
