"""DANN on the Amazon reviews, against the published table (Ganin et al. 2016, Table 1)."""

import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

from berlese.classify.heads.parallel import UNLABELLED, HeadTask, HeadTraining, train_heads

WORDS = 5000
TRAINING_ROWS = 2000
# Share of right answers of DANN on raw features, source then target by first letter.
PUBLISHED = {
    "bd": 0.784, "be": 0.733, "bk": 0.779, "db": 0.723, "de": 0.754, "dk": 0.783,
    "eb": 0.713, "ed": 0.738, "ek": 0.854, "kb": 0.709, "kd": 0.740, "ke": 0.843,
}  # fmt: skip


@pytest.fixture(scope="module")
def reviews(shared_data):
    """Features and sentiment (0 or 1) of each domain's training and test part."""
    folder = shared_data / "benchmarks" / "amazon-reviews"
    parts = {}
    for domain in ("books", "dvd", "electronics", "kitchen"):
        for part in ("train", "test"):
            path = str(folder / f"{domain}_{part}.svmlight")
            X, y = load_svmlight_file(path, n_features=WORDS, zero_based=True)
            parts[domain[0], part] = X.toarray().astype(np.float32), (y > 0).astype(np.intp)
    return parts


def accuracies(reviews, training, seed):
    """Train on each source's labels and each target's unlabelled training part."""
    letters = "bdek"
    features = np.vstack([reviews[letter, "train"][0] for letter in letters])
    rows = {
        letter: np.arange(TRAINING_ROWS) + TRAINING_ROWS * at for at, letter in enumerate(letters)
    }
    unknown = np.full(TRAINING_ROWS, UNLABELLED)
    domains = np.repeat([1, 0], TRAINING_ROWS)
    tasks = [
        HeadTask(
            np.concatenate([rows[source], rows[target]]),
            np.concatenate([reviews[source, "train"][1], unknown]),
            seed,
            domains,
        )
        for source, target in PUBLISHED
    ]
    heads = train_heads(features, 2, tasks, training)
    result = {}
    for pair, head in zip(PUBLISHED, heads, strict=True):
        X, y = reviews[pair[1], "test"]
        result[pair] = np.mean(head.predict_proba(X).argmax(axis=1) == y)
    return result


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [HeadTraining.ganin(), HeadTraining(epochs=30, domain_weight=0.1)],
    ids=["Ganin's settings", "the seed paper's settings, 30 epochs"],
)
def test_all_twelve_pairs_are_as_published(training, reviews):
    """Settings are fixed beforehand; no label of a target is seen."""
    ours = accuracies(reviews, training, seed=0)
    difference = {pair: ours[pair] - PUBLISHED[pair] for pair in PUBLISHED}
    print({pair: round(float(value), 3) for pair, value in difference.items()})
    assert np.mean(np.abs(list(difference.values()))) <= 0.015
