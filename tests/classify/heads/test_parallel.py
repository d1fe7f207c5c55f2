"""Grouped training against automatic differentiation, finite differences and itself."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from berlese.classify.heads import layers, parallel
from berlese.classify.heads.network import NetworkClassifier
from berlese.classify.heads.parallel import UNLABELLED, HeadTask, HeadTraining, train_heads
from berlese.errors import SettingError

CLASSES = 3


def two_domains(n=60, dim=10, seed=0):
    """Rows of three classes; every other row is of the target, which is moved aside."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, CLASSES, n)
    domains = np.arange(n) % 2
    centres = rng.normal(0, 1.5, (CLASSES, dim))
    shift = np.where(domains[:, None] == 0, rng.normal(0, 0.7, dim), 0)
    return (centres[codes] + shift + rng.normal(0, 1, (n, dim))).astype(np.float32), codes, domains


class Reversed(torch.autograd.Function):
    """The gradient reversal layer of Ganin et al. 2016, equations 13 and 14."""

    @staticmethod
    def forward(ctx, values, factor):
        ctx.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.factor * gradient, None


def train_by_autograd(features, n_classes, task, training):
    """Train in float64 by torch's own differentiation, from the same random numbers."""
    drawn = parallel._Trainer(features, n_classes, task, training)
    dense = [layer.weight for layer in drawn.dense]
    first = drawn.input.first if hasattr(drawn.input, "first") else drawn.input.dense.weight
    weights = [w.double().clone().requires_grad_() for w in [first, *dense]]
    biases = [torch.zeros(len(w), dtype=torch.double, requires_grad=True) for w in weights]
    if drawn.domain is not None:
        weights.append(drawn.domain.weight.double().clone().requires_grad_())
        biases.append(torch.zeros(2, dtype=torch.double, requires_grad=True))
    optimiser = torch.optim.SGD([*weights, *biases], lr=1.0, momentum=training.momentum)
    rows = torch.from_numpy(features[task.rows]).double()
    codes = torch.from_numpy(task.codes)
    activation = torch.relu if training.activation == "relu" else torch.sigmoid
    n_hidden = len(training.hidden)
    for epoch in range(training.epochs):
        batches = drawn._batches()
        masks = drawn._masks(sum(map(len, batches)))
        start = 0
        for at, batch in enumerate(batches):
            rate, reversal = training.at((epoch + at / len(batches)) / training.epochs)
            values = rows[batch]
            for layer in range(n_hidden):
                values = activation(values @ weights[layer].t() + biases[layer])
                if masks:
                    values = values * masks[layer][start : start + len(batch)]
            start += len(batch)
            logits = values @ weights[n_hidden].t() + biases[n_hidden]
            known = codes[batch] != UNLABELLED
            loss = torch.zeros((), dtype=torch.double)
            if known.any():
                loss = functional.cross_entropy(logits[known], codes[batch][known])
            if drawn.domain is not None:
                said = Reversed.apply(values, reversal) @ weights[-1].t() + biases[-1]
                truth = torch.from_numpy(task.domains)[batch]
                loss = loss + training.domain_weight * functional.cross_entropy(said, truth)
            optimiser.zero_grad()
            loss.backward()
            for parameter in [*weights, *biases]:
                # The rate belongs into the velocity, as in Keras; torch multiplies it later.
                parameter.grad.mul_(rate)
            optimiser.step()
    return [w.detach().numpy() for w in weights], [b.detach().numpy() for b in biases]


TRAININGS = {
    "the paper's": HeadTraining(hidden=(16, 8), epochs=6, learning_rate=0.1),
    "without dropout": HeadTraining(hidden=(16,), dropout=0, epochs=6, learning_rate=0.1),
    "sigmoid": HeadTraining(hidden=(12,), activation="sigmoid", epochs=6, learning_rate=0.3),
    "momentum": HeadTraining(hidden=(16, 8), momentum=0.9, epochs=4, learning_rate=0.02),
    "DANN": HeadTraining(hidden=(16, 8), epochs=6, learning_rate=0.1, domain_weight=0.5),
    "Ganin's": HeadTraining(
        hidden=(16,),
        epochs=5,
        learning_rate=0.1,
        momentum=0.9,
        domain_weight=1.0,
        reversal=0.7,
        schedule="ganin",
        batches="balanced",
        batch_size=10,
    ),
}


@pytest.mark.parametrize("dual", [True, False], ids=["dual", "direct"])
@pytest.mark.parametrize("name", TRAININGS)
def test_training_is_that_of_automatic_differentiation(name, dual, monkeypatch):
    monkeypatch.setattr(layers, "DUAL_ROWS", np.inf if dual else 0)
    training = TRAININGS[name]
    features, codes, domains = two_domains()
    if training.domain_weight is not None:
        codes = np.where(domains == 1, codes, UNLABELLED)
    task = HeadTask(np.arange(60), codes, seed=3, domains=domains)
    (head,) = train_heads(features, CLASSES, [task], training)
    weights, biases = train_by_autograd(features, CLASSES, task, training)
    given = [*head.layers] + ([head.domain_layer] if head.domain_layer else [])
    assert len(given) == len(weights)
    for (weight, bias), true_weight, true_bias in zip(given, weights, biases, strict=True):
        np.testing.assert_allclose(weight, true_weight, atol=2e-5)
        np.testing.assert_allclose(bias, true_bias, atol=2e-5)


def test_the_reversed_gradient_is_that_of_finite_differences():
    """A step descends the taxon loss and, in the hidden layer, ascends the domain loss."""
    training = HeadTraining(
        hidden=(5,), activation="sigmoid", dropout=0, learning_rate=0.5, epochs=1, batch_size=40,
        domain_weight=0.8, reversal=0.6,
    )  # fmt: skip
    features, codes, domains = two_domains(40, 25)
    codes = np.where(domains == 1, codes, UNLABELLED)
    task = HeadTask(np.arange(40), codes, seed=1, domains=domains)
    start = parallel._Trainer(features, CLASSES, task, training)
    before = [start.input.first.numpy(), start.dense[0].weight.numpy(), start.domain.weight.numpy()]
    before = [weight.astype(float) for weight in before]

    def losses(first, taxon, domain):
        hidden = 1 / (1 + np.exp(-features.astype(float) @ first.T))
        total = []
        for layer, truth in ((taxon, codes), (domain, domains)):
            logits = hidden @ layer.T
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            total.append(-np.mean([logs[i, c] for i, c in enumerate(truth) if c >= 0]))
        return np.array(total)

    def slopes(number):
        gradient = np.zeros((2, *before[number].shape))
        for at in np.ndindex(before[number].shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [weight.copy() for weight in before]
                moved[number][at] += step
                sides.append(losses(*moved))
            gradient[(slice(None), *at)] = (sides[0] - sides[1]) / 2e-5
        return gradient

    (head,) = train_heads(features, CLASSES, [task], training)
    of_taxon, of_domain = slopes(0)
    expected = before[0] - 0.5 * (of_taxon - 0.6 * 0.8 * of_domain)
    np.testing.assert_allclose(head.layers[0][0], expected, atol=1e-5)
    np.testing.assert_allclose(head.layers[1][0], before[1] - 0.5 * slopes(1)[0], atol=1e-5)
    np.testing.assert_allclose(head.domain_layer[0], before[2] - 0.4 * slopes(2)[1], atol=1e-5)
    assert np.abs(0.6 * 0.8 * of_domain).max() > 1e-3


def tasks_of_many_sizes(codes, domains, n=7):
    rng = np.random.default_rng(5)
    tasks = []
    for number in range(n):
        rows = rng.choice(len(codes), 20 + 9 * number, replace=False)
        tasks.append(HeadTask(rows, codes[rows], number, domains[rows]))
    return tasks


@pytest.mark.parametrize("weight", [None, 0.1], ids=["heads", "DANNs"])
def test_a_head_depends_on_no_other_and_on_no_number_of_threads(weight):
    features, codes, domains = two_domains(120)
    tasks = tasks_of_many_sizes(codes, domains)
    training = HeadTraining(hidden=(32, 16), epochs=20, domain_weight=weight)
    together = train_heads(features, CLASSES, tasks, training, jobs=3)
    backwards = train_heads(features, CLASSES, tasks[::-1], training, jobs=1)[::-1]
    for task, one, other in zip(tasks, together, backwards, strict=True):
        (alone,) = train_heads(features, CLASSES, [task], training)
        for head in (other, alone):
            np.testing.assert_array_equal(one.predict_proba(features), head.predict_proba(features))


def test_the_dual_first_layer_agrees_with_the_direct_one_after_long_training(monkeypatch):
    features, codes, _ = two_domains(80, 30)
    task = HeadTask(np.arange(80), codes, seed=0)
    training = HeadTraining(hidden=(32, 16), epochs=200)
    answers = []
    for rows in (np.inf, 0):
        monkeypatch.setattr(layers, "DUAL_ROWS", rows)
        answers.append(train_heads(features, CLASSES, [task], training)[0].predict_proba(features))
    np.testing.assert_allclose(*answers, atol=1e-4)


def test_heads_are_as_good_as_the_estimator_with_the_same_settings():
    features, codes, _ = two_domains(400, 20)
    features = np.abs(features)
    tasks = [HeadTask(np.arange(200), codes[:200], seed) for seed in range(4)]
    heads = train_heads(features, CLASSES, tasks, HeadTraining(epochs=60))
    ours = [(h.predict_proba(features[200:]).argmax(1) == codes[200:]).mean() for h in heads]
    theirs = []
    for seed in range(4):
        one = NetworkClassifier.paper(random_state=seed).set_params(max_epochs=60)
        theirs.append(one.fit(features[:200], codes[:200]).score(features[200:], codes[200:]))
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.03)
    assert np.mean(ours) > 0.6


def test_dropout_silences_the_share_that_was_asked_for():
    features, codes, _ = two_domains()
    training = HeadTraining(hidden=(1000, 300), dropout=0.6, epochs=1)
    trainer = parallel._Trainer(features, CLASSES, HeadTask(np.arange(60), codes, 0), training)
    for mask, units in zip(trainer._masks(2000), (1000, 300), strict=True):
        assert mask.shape == (2000, units)
        assert set(np.unique(mask.numpy())) == {np.float32(0), np.float32(2.5)}
        silenced = float((mask == 0).double().mean())
        assert silenced == pytest.approx(0.6, abs=4 * np.sqrt(0.24 / mask.numel()))


def test_an_adversary_makes_domains_harder_to_tell():
    features, codes, domains = two_domains(300, 10, seed=2)
    codes = np.where(domains == 1, codes, UNLABELLED)
    task = HeadTask(np.arange(300), codes, 0, domains)
    settings = {"hidden": (32,), "epochs": 150, "learning_rate": 0.05, "dropout": 0.2}
    told = []
    for reversal in (0.0, 1.0):
        training = HeadTraining(**settings, domain_weight=1.0, reversal=reversal)
        (head,) = train_heads(features, CLASSES, [task], training)
        told.append(((head.predict_domain(features) > 0.5) == (domains == 1)).mean())
    assert told[0] > 0.8
    assert told[1] < told[0] - 0.1


def test_progress_counts_the_tasks():
    features, codes, domains = two_domains(120)
    finished = []
    training = HeadTraining(hidden=(4,), epochs=1)
    tasks = tasks_of_many_sizes(codes, domains)
    train_heads(features, CLASSES, tasks, training, progress=finished.append)
    assert sum(finished) == len(tasks)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (HeadTask(np.arange(3), np.zeros(2, int), 0), "3 rows, but 2 codes"),
        (HeadTask(np.arange(3), np.full(3, UNLABELLED), 0), "no labelled row"),
        (HeadTask(np.arange(3), np.array([0, 1, 3]), 0), "codes must be -1 to 2"),
        (HeadTask(np.array([0, 99]), np.zeros(2, int), 0), "rows must be 0 to 59"),
        (HeadTask(np.arange(3), np.zeros(3, int), 0), "a domain per row"),
        (HeadTask(np.arange(3), np.zeros(3, int), 0, np.ones(3, int)), "both domains"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(task, words):
    training = HeadTraining(domain_weight=0.1, batches="balanced", epochs=1)
    with pytest.raises(ValueError, match=words):
        train_heads(two_domains()[0], CLASSES, [task], training)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hidden", ()), ("hidden", (0,)), ("dropout", 1.0), ("learning_rate", 0), ("epochs", 0),
        ("batch_size", 0), ("momentum", 1.0), ("activation", "tanh"), ("schedule", "linear"),
        ("batches", "mixed"), ("domain_weight", -1.0),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(setting, value):
    with pytest.raises(SettingError, match=setting):
        HeadTraining(**{setting: value})


def test_a_head_without_domains_tells_none():
    features, codes, _ = two_domains()
    task = HeadTask(np.arange(60), codes, 0)
    (head,) = train_heads(features, CLASSES, [task], HeadTraining(hidden=(4,), epochs=1))
    with pytest.raises(ValueError, match="domain head"):
        head.predict_domain(features)
