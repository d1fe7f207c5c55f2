"""Counts, cells and the choice of the method, on simulated surveys whose truth is known."""

import json
import time

import numpy as np
import pytest

from berlese.classify.counts.cells import count_cells
from berlese.classify.counts.corrected import estimate_counts
from berlese.classify.counts.shares import em_shares
from berlese.errors import SettingError
from tests.classify.counts.surveys import TAXA, library, look, names, survey


def test_like_photos_are_corrected_by_the_librarys_confusions():
    raw, ours, covered = [], [], []
    for seed in range(5):
        p, codes, _ = survey(seed)
        truth = np.bincount(codes, minlength=4)
        found = estimate_counts(p, TAXA, same_domain=True, held_out=library(seed + 100))
        assert found.method == "shares"
        raw.append(np.abs(found.raw - truth).mean())
        ours.append(np.abs(found.counts - truth).mean())
        covered.append((found.low <= truth) & (truth <= found.high))
    assert np.mean(ours) < 0.5 * np.mean(raw)
    assert 0.82 <= np.mean(covered) <= 1


def test_reviewed_specimens_correct_a_model_that_does_not_fit():
    raw, ours, covered = [], [], []
    for seed in range(40):
        p, codes, rng = survey(seed, bias=2.0)
        truth = np.bincount(codes, minlength=4)
        rows = rng.choice(400, 50, replace=False)
        found = estimate_counts(
            p, TAXA, same_domain=False, reviewed_rows=rows, reviewed_taxa=names(codes[rows])
        )
        assert found.method == "reviewed"
        raw.append(np.abs(found.raw - truth).mean())
        ours.append(np.abs(found.counts - truth).mean())
        covered.append((found.low <= truth) & (truth <= found.high))
    assert np.mean(ours) < 0.25 * np.mean(raw)
    assert 0.86 <= np.mean(covered) <= 0.99


def test_without_either_the_counts_are_raw_and_promise_nothing():
    p, codes, rng = survey(0)
    rows = rng.choice(400, 10, replace=False)
    found = estimate_counts(
        p,
        TAXA,
        same_domain=False,
        held_out=library(1),
        reviewed_rows=rows,
        reviewed_taxa=names(codes[rows]),
    )
    assert found.method == "raw"
    assert np.isnan(found.low).all()
    assert "Review 30 or more" in found.why
    assert count_cells(found, np.repeat(["a", "b"], 200)).counts.sum() == pytest.approx(400)
    assert found.to_dict()["by_taxon"][0]["low"] is None


@pytest.mark.parametrize(
    ("k", "words"),
    [(0, "no animal is reviewed"), (1, "only 1 animal is reviewed"), (2, "only 2 animals are")],
)
def test_how_few_are_reviewed_is_said_as_people_say_it(k, words):
    p, codes, _ = survey(0)
    reviewed = np.arange(k)
    found = estimate_counts(
        p, TAXA, same_domain=False, reviewed_rows=reviewed, reviewed_taxa=names(codes[reviewed])
    )
    assert words in found.why


def test_the_plain_case_is_em_on_calibrated_probabilities():
    from berlese.classify.calibration.probabilities import BiasCorrectedTemperature

    p, *_ = survey(3)
    held_out = library(4)
    found = estimate_counts(p, TAXA, same_domain=True, held_out=held_out)
    calibrate = BiasCorrectedTemperature().fit(held_out.probabilities, held_out.codes)
    np.testing.assert_allclose(found.counts, 400 * em_shares(calibrate(p), np.full(4, 0.25)))


def test_a_taxon_that_only_reviewers_know_gets_a_column():
    p, codes, rng = survey(5)
    rows = rng.choice(400, 60, replace=False)
    said = names(codes[rows])
    said[:6] = ["Zopheridae"] * 6
    found = estimate_counts(p, TAXA, same_domain=False, reviewed_rows=rows, reviewed_taxa=said)
    assert found.taxa == (*TAXA, "Zopheridae")
    assert found.raw[-1] == 0
    assert found.low[-1] >= 6
    assert found.counts[-1] == pytest.approx(40, abs=15)


def test_a_whole_survey_reviewed_is_the_truth():
    p, codes, _ = survey(8, n=60)
    found = estimate_counts(
        p, TAXA, same_domain=False, reviewed_rows=np.arange(60), reviewed_taxa=names(codes)
    )
    truth = np.bincount(codes, minlength=4)
    for values in (found.counts, found.low, found.high):
        np.testing.assert_allclose(values, truth, atol=1e-9)
    cells = count_cells(found, np.repeat(["a", "b", "c"], 20))
    np.testing.assert_allclose(cells.low, cells.high)


def test_a_survey_of_one_taxon():
    rng = np.random.default_rng(9)
    codes = np.zeros(200, int)
    found = estimate_counts(
        look(codes, rng),
        TAXA,
        same_domain=False,
        reviewed_rows=np.arange(40),
        reviewed_taxa=names(codes[:40]),
    )
    assert found.counts[0] > 190
    assert found.high[0] == pytest.approx(200)


def test_the_result_is_json():
    p, *_ = survey(10)
    found = estimate_counts(p, TAXA, same_domain=True, held_out=library(11)).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["taxon"] for row in found["by_taxon"]] == list(TAXA)


def test_the_same_seed_gives_the_same():
    p, *_ = survey(12)
    both = [estimate_counts(p, TAXA, same_domain=True, held_out=library(1)) for _ in range(2)]
    np.testing.assert_array_equal(both[0].low, both[1].low)


def test_bad_input_is_refused():
    p, *_ = survey(13)
    with pytest.raises(SettingError, match="2 reviewed rows, but 1 names"):
        estimate_counts(p, TAXA, same_domain=True, reviewed_rows=[1, 2], reviewed_taxa=["a"])
    with pytest.raises(SettingError, match="NaN"):
        estimate_counts(np.full((4, 4), np.nan), TAXA, same_domain=True)
    with pytest.raises(SettingError, match="4 classes"):
        estimate_counts(p[:, :3], TAXA, same_domain=True)


def test_no_animal_is_refused():
    with pytest.raises(SettingError, match="no animal to count"):
        estimate_counts(np.zeros((0, 4)), TAXA, same_domain=True)


def test_features_that_are_nan_are_refused():
    p, codes, _ = survey(14)
    with pytest.raises(SettingError, match="finite"):
        estimate_counts(
            p,
            TAXA,
            same_domain=False,
            features=np.full((400, 3), np.nan),
            reviewed_rows=np.arange(40),
            reviewed_taxa=names(codes[:40]),
        )


def test_a_model_of_one_taxon_is_corrected_by_what_people_say():
    rng = np.random.default_rng(15)
    rows = rng.choice(200, 60, replace=False)
    said = ["Carabidae"] * 45 + ["Leiodidae"] * 15
    found = estimate_counts(
        np.ones((200, 1)), TAXA[:1], same_domain=False, reviewed_rows=rows, reviewed_taxa=said
    )
    assert found.taxa == ("Carabidae", "Leiodidae")
    assert found.raw.tolist() == [200, 0]
    np.testing.assert_allclose(found.counts, [150, 50], atol=12)
    assert (found.low < [150, 50]).all()
    assert (found.high > [150, 50]).all()


@pytest.mark.parametrize(("n", "k"), [(100_000, 10), (2_000, 200)])
def test_large_surveys_take_less_than_a_minute(n, k):
    rng = np.random.default_rng(16)
    codes = rng.zipf(1.5, n) % k
    p = rng.random((n, k)) * 0.01
    p[np.arange(n), np.where(rng.random(n) < 0.7, codes, rng.integers(0, k, n))] += 1
    taxa = [f"taxon {number:03}" for number in range(k)]
    rows = rng.choice(n, 100, replace=False)
    started = time.process_time()
    found = estimate_counts(
        p,
        taxa,
        same_domain=False,
        features=rng.normal(size=(n, 8)),
        reviewed_rows=rows,
        reviewed_taxa=[taxa[code] for code in codes[rows]],
    )
    cells = count_cells(found, np.arange(n) % 50)
    assert time.process_time() - started < 60
    assert np.isfinite(cells.high).all()
    assert found.counts.sum() == pytest.approx(n)
