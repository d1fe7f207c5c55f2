"""A report of simulated photos says how far from the truth it is, whenever it is made."""

from berlese.cli.simulation import truth_of, write_photos
from berlese.simulate.surveys import simulate_survey
from berlese.survey.adding import add_photos
from berlese.survey.segmenting import segment_photos
from berlese.survey.survey import Survey
from tests.drawing import dish, save


def test_the_truth_stays_in_a_report_that_is_made_again(berlese, tmp_path):
    write_photos(tmp_path / "photos", simulate_survey(0, n_photos=1, specimens_per_photo=3))
    with Survey.create(tmp_path / "survey") as survey:
        add_photos(survey, [tmp_path / "photos"])
        segment_photos(survey)
        truth = truth_of(survey)
    assert truth["specimens"] == 3
    page = tmp_path / "survey" / "exports" / "report.html"
    for _ in range(2):
        assert berlese("report", tmp_path / "survey").exit_code == 0
        assert "Against the truth" in page.read_text(encoding="utf-8")
    save(tmp_path / "elsewhere" / "a.png", dish(1))
    with Survey.open(tmp_path / "survey") as survey:
        add_photos(survey, [tmp_path / "elsewhere"])
        assert truth_of(survey) is None
    assert berlese("report", tmp_path / "survey").exit_code == 0
    assert "Against the truth" not in page.read_text(encoding="utf-8")


def test_a_truth_of_other_programs_is_not_ours(tmp_path):
    save(tmp_path / "photos" / "a.png", dish(1))
    (tmp_path / "photos" / "truth.json").write_text('{"images": []}', encoding="utf-8")
    with Survey.create(tmp_path / "survey") as survey:
        add_photos(survey, [tmp_path / "photos"])
        assert truth_of(survey) is None
