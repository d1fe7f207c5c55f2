"""A survey that is named as a whole: what is kept, repeated and said."""

from dataclasses import replace

import numpy as np
import pytest

from berlese.classify.naming.promises import NamingSettings
from berlese.features.store import FeatureStore
from berlese.survey.domain import read_domain
from berlese.survey.reviewing import animals_of
from berlese.survey.steps import add_photos, embed_specimens, identify_specimens, segment_photos
from tests.drawing import dish, save


def test_the_check_of_the_domain_is_said_and_kept(seen):
    survey, bundle = seen
    report = identify_specimens(survey, bundle)
    assert "the photos" in report.notes[0]
    kept = read_domain(survey, bundle.hash)
    assert kept["words"] == report.notes[0]
    assert kept["animals"] == len(animals_of(survey))
    assert read_domain(survey, "another model") is None


def test_naming_twice_does_nothing_until_a_photo_joins(seen, dishes, tmp_path, backbone):
    survey, bundle = seen
    first = identify_specimens(survey, bundle)
    assert identify_specimens(survey, bundle).n_done == 0
    save(tmp_path / "late.png", dish(9, 4))
    add_photos(survey, [tmp_path / "late.png"])
    segment_photos(survey)
    embed_specimens(survey, backbone)
    again = identify_specimens(survey, bundle)
    assert again.n_done > first.n_done  # all are judged together, so all are judged anew


def test_animals_judged_for_themselves_are_not_named_again(seen, tmp_path, backbone):
    survey, bundle = seen
    alone = NamingSettings(unknown_score="likeness")
    assert identify_specimens(survey, bundle, alone).notes == ()
    save(tmp_path / "late.png", dish(9, 4))
    add_photos(survey, [tmp_path / "late.png"])
    segment_photos(survey)
    embed_specimens(survey, backbone)
    assert identify_specimens(survey, bundle, alone).n_done <= 4


def test_a_model_that_only_tells_the_domain_warns_and_names_nothing_twice(seen, tmp_path, backbone):
    survey, bundle = seen
    keys = [each.crop_sha256 for each in animals_of(survey)]
    found = FeatureStore(survey.features).get(keys, backbone.hash)
    X = np.stack([found[key] for key in keys]).astype(float) + 900.0  # another light
    rule = bundle.unknown_rule.in_domain(bundle.classifier.predict_proba(X), X)
    elsewhere = replace(bundle, unknown_rule=rule)
    assert "the photos are unlike" in identify_specimens(survey, elsewhere).notes[0]
    assert read_domain(survey, elsewhere.hash)["same_domain"] is False
    save(tmp_path / "late.png", dish(9, 4))
    add_photos(survey, [tmp_path / "late.png"])
    segment_photos(survey)
    embed_specimens(survey, backbone)
    assert identify_specimens(survey, elsewhere).n_done <= 4


def test_what_was_found_of_the_photos_is_forgotten_when_animals_are_named_in_another_way(seen):
    survey, bundle = seen
    identify_specimens(survey, bundle)
    assert (survey.folder / "domain.json").is_file()
    identify_specimens(survey, bundle, NamingSettings(unknown_score="likeness"))
    assert not (survey.folder / "domain.json").exists()
    assert not (survey.folder / "domain.safetensors").exists()


def test_what_was_found_of_the_photos_is_written_before_the_names(seen, monkeypatch):
    survey, bundle = seen

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("berlese.survey.naming._identifications", killed)
    with pytest.raises(KeyboardInterrupt):
        identify_specimens(survey, bundle)
    assert (survey.folder / "domain.json").is_file()
