"""A survey says which command it waits for, step by step, until all is named."""

import shutil

from berlese.survey.adding import add_photos
from berlese.survey.failures import Failure, record_failures
from berlese.survey.missing import missing_step
from berlese.survey.segmenting import segment_photos
from berlese.survey.tables import Photo
from tests.drawing import dish, save


def test_each_step_leads_to_the_next(survey, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert missing_step(survey) == "it has no photos yet: berlese add survey PHOTO..."
    add_photos(survey, [save(tmp_path / "photos" / "dish.png", dish(1, 2))])
    assert missing_step(survey) == (
        "1 photo is not searched for animals yet: berlese segment survey"
    )
    segment_photos(survey)
    assert missing_step(survey) == "2 animals have no name yet: berlese predict MODEL survey"
    (survey.models / "my own").mkdir()
    assert missing_step(survey).endswith("berlese predict 'survey/models/my own' survey")
    shutil.rmtree(survey.models / "my own")


def test_a_named_survey_waits_for_nothing(named):
    assert missing_step(named) == ""


def test_a_photo_that_failed_is_not_waited_for(survey, tmp_path):
    add_photos(survey, [save(tmp_path / "dish.png", dish(1, 2))])
    with survey.reading() as session:
        (path,) = session.query(Photo.path).one()
    record_failures(survey.folder, "segment", [path], [Failure(path, "segment", "is broken")])
    assert "no animal was found" in missing_step(survey)
    assert "berlese doctor" in missing_step(survey)
