"""Neighbour graphs and what flows along them, by hand."""

import numpy as np

from berlese.classify.adaptation.consensus import inequality
from berlese.classify.heads.linear import soft_logistic_weights
from berlese.classify.heads.neighbours import BLOCK, neighbour_graph, spread


def chain():
    """Four directions in a row: each is most alike to the next one, the middle ones to both."""
    angles = np.radians([0, 20, 45, 80])
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_each_row_is_linked_with_its_nearest_by_angle():
    graph = neighbour_graph(chain(), 1).toarray()
    # Nearest: 0 with 1, 1 with 0, 2 with 1, 3 with 2; links hold both ways: 1, 2, 2, 1 of them.
    linked = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    degree = np.array([1, 2, 2, 1])
    np.testing.assert_allclose(graph, linked / np.sqrt(np.outer(degree, degree)))


def test_length_does_not_matter():
    rows = chain() * np.array([[1.0], [5.0], [0.2], [3.0]])
    np.testing.assert_allclose(
        neighbour_graph(rows, 1).toarray(), neighbour_graph(chain(), 1).toarray()
    )


def test_blocks_of_rows_change_nothing():
    rows = np.random.default_rng(0).normal(size=(BLOCK + 30, 5))
    graph = neighbour_graph(rows, 3).toarray()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    nearest = np.argsort(-cosines, axis=1)[:, :3]
    assert all(set(nearest[row]) <= set(np.flatnonzero(graph[row])) for row in range(len(rows)))


def test_a_single_row_has_no_neighbour():
    assert neighbour_graph(np.ones((1, 3))).nnz == 0


def test_names_reach_alike_rows_and_no_others():
    rng = np.random.default_rng(1)
    one, two = rng.normal([5, 0], 0.3, (20, 2)), rng.normal([0, 5], 0.3, (20, 2))
    three = rng.normal([-5, -5], 0.3, (20, 2))
    graph = neighbour_graph(np.concatenate([one, two, three]), 4)
    start = np.zeros((60, 2))
    start[0, 0] = start[20, 1] = 1
    named = spread(graph, start, reach=0.9)
    assert (named[:20].argmax(axis=1) == 0).all()
    assert (named[20:40].argmax(axis=1) == 1).all()
    np.testing.assert_allclose(named[40:], 0.5)


def test_one_step_by_hand():
    graph = neighbour_graph(chain()[:2], 1)
    named = spread(graph, np.array([[1.0, 0.0], [0.0, 1.0]]), reach=0.25, steps=1)
    np.testing.assert_allclose(named, [[0.75, 0.25], [0.25, 0.75]])


def test_inequality_is_the_summed_distance_from_equal_shares():
    p = np.eye(4)[[0, 0, 0, 1]]
    np.testing.assert_allclose(inequality(p), 0.5 + 0.0 + 0.25 + 0.25)


def test_a_soft_regression_gives_the_probabilities_back_that_made_it():
    rng = np.random.default_rng(2)
    Z, weights = rng.normal(size=(400, 3)), rng.normal(size=(2, 3))
    logits = Z @ weights.T + [0.5, -0.5]
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    coefficients, intercepts = soft_logistic_weights(Z, wanted, C=1e6, max_iter=500)
    found = Z @ coefficients.T + intercepts
    found = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
