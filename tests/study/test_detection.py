"""Figures worked out by hand."""

import pytest

from berlese.errors import SettingError
from berlese.specimens.outline import Box
from berlese.study.detection import NamedBox, compare_with_truth

BEETLE = Box(0, 0, 10, 10)
FAR = Box(100, 100, 110, 110)


def test_a_perfect_answer_is_perfect():
    truth = {"a": [NamedBox(BEETLE, "Carabidae"), NamedBox(FAR, "Ptiliidae")]}
    report = compare_with_truth(truth, truth)
    assert report.to_dict() == {
        "specimens": 2,
        "found": 2,
        "matched": 2,
        "precision": 1,
        "recall": 1,
        "f1": 1,
        "mean_iou": 1,
        "accuracy": 1,
        "count_error": 0,
    }


def test_misses_extras_and_wrong_names_each_show_where_they_belong():
    truth = {
        "a": [NamedBox(BEETLE, "Carabidae"), NamedBox(FAR, "Ptiliidae")],
        "b": [NamedBox(BEETLE, "Carabidae"), NamedBox(FAR, "Leiodidae")],
    }
    found = {
        "a": [
            NamedBox(Box(0, 0, 10, 8), "Carabidae"),  # IoU .8, right
            NamedBox(Box(50, 50, 60, 60), "Carabidae"),  # nothing there
            NamedBox(FAR, "Leiodidae"),  # wrong name
        ]
    }
    report = compare_with_truth(found, truth)
    assert (report.specimens, report.found, report.matched) == (4, 3, 2)
    assert report.precision == pytest.approx(2 / 3)
    assert report.recall == pytest.approx(1 / 2)
    assert report.f1 == pytest.approx(4 / 7)
    assert report.mean_iou == pytest.approx(0.9)
    assert report.accuracy == pytest.approx(1 / 2)
    # a: Carabidae +1, Ptiliidae -1, Leiodidae +1; b: Carabidae -1, Leiodidae -1
    assert report.count_error == pytest.approx(5 / 4)


def test_an_animal_without_a_name_is_found_but_not_counted_for_a_taxon():
    truth = {"a": [NamedBox(BEETLE, "Carabidae")]}
    report = compare_with_truth({"a": [NamedBox(BEETLE)]}, truth)
    assert (report.recall, report.accuracy, report.count_error) == (1, 0, 1)


def test_finding_nothing_is_no_division_by_zero():
    report = compare_with_truth({}, {"a": [NamedBox(BEETLE, "Carabidae")]})
    assert (report.precision, report.recall, report.f1, report.accuracy) == (0, 0, 0, 0)


def test_a_photo_without_truth_is_named():
    with pytest.raises(SettingError, match="'b' has no truth"):
        compare_with_truth({"b": []}, {"a": [NamedBox(BEETLE, "Carabidae")]})


def test_a_truth_without_animals_is_refused():
    with pytest.raises(SettingError, match="no animal"):
        compare_with_truth({}, {"a": []})
