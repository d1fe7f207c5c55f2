import numpy as np
import pytest

from berlese.simulate.beetles import simulate_beetle
from berlese.simulate.imaging import backdrop, draw_setup, expose, lay
from berlese.specimens.outline import Box

SIZE = 400


@pytest.fixture
def setup():
    return draw_setup(np.random.default_rng(6), SIZE, "S001")


def _whole():
    return Box(left=0, top=0, right=SIZE, bottom=SIZE)


def test_a_window_shows_what_the_whole_photo_shows_there(setup):
    window = Box(left=120, top=20, right=390, bottom=260)
    whole = backdrop(setup, _whole())
    part = backdrop(setup, window)
    assert np.abs(part - whole[20:260, 120:390]).mean() < 0.05
    assert (np.abs(part - whole[20:260, 120:390]).max(axis=2) > 4).mean() < 0.001


def test_the_rim_is_a_circle_around_the_dish(setup):
    whole = backdrop(setup, _whole())
    x, y = setup.centre
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        reach = np.arange(0.8 * setup.radius, setup.radius + setup.rim)
        columns = np.clip((x + reach * np.cos(turn)).astype(int), 0, SIZE - 1)
        rows = np.clip((y + reach * np.sin(turn)).astype(int), 0, SIZE - 1)
        ray = whole[rows, columns].mean(axis=1)
        edge = reach[np.argmin(ray)]
        assert setup.radius - 0.6 * setup.rim <= edge <= setup.radius + setup.rim + 1


def test_the_label_is_laid_only_where_there_is_one(setup):
    without = draw_setup(np.random.default_rng(6), SIZE, "")
    differ = np.abs(backdrop(setup, _whole()) - backdrop(without, _whole())).max(axis=2) > 20
    rows, columns = np.nonzero(differ)
    assert differ.any()
    middle = (columns.mean(), rows.mean())
    assert np.hypot(*np.subtract(middle, setup.label_at)) < 0.06 * SIZE


def test_the_shadow_falls_away_from_the_lamp():
    beetle = simulate_beetle("Leiodidae", np.random.default_rng(1))
    canvas = np.full((SIZE, SIZE, 3), 200, np.float32)
    lay(canvas, beetle, 150, 150, 0.0)  # the lamp is on the right
    dark = (200 - canvas.mean(axis=2)).clip(0)
    width = beetle.alpha.shape[1]
    left, right = dark[:, :150].sum(), dark[:, 150 + width :].sum()
    assert left > 3 * max(right, 1)
    assert canvas.min() >= 0


def test_a_beetle_may_reach_over_the_edge_of_the_canvas():
    beetle = simulate_beetle("Carabidae", np.random.default_rng(1))
    canvas = np.full((60, 60, 3), 200, np.float32)
    lay(canvas, beetle, -20, 30, -2.0)
    lay(canvas, beetle, 5000, 5000, -2.0)
    assert canvas.shape == (60, 60, 3)
    assert np.isfinite(canvas).all()


def test_light_is_uneven_and_noise_is_as_strong_as_said(setup):
    flat = np.full((SIZE, SIZE, 3), 180, np.float32)
    seen = expose(flat, setup, _whole(), np.random.default_rng(0)).astype(float)
    grey = seen.mean(axis=2)
    corners = np.mean([grey[:20, :20], grey[:20, -20:], grey[-20:, :20], grey[-20:, -20:]])
    middle = grey[190:210, 190:210].mean()
    assert middle - corners > 180 * setup.vignette * 0.5
    lit = np.array([np.cos(setup.light), np.sin(setup.light)])
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    along = np.sum(grey * (x * lit[0] + y * lit[1])) / np.sum((x * lit[0] + y * lit[1]) ** 2)
    assert along == pytest.approx(180 * setup.slope, rel=0.15)
    rough = np.std(seen[150:250, 150:250, 1] - np.median(seen[150:250, 150:250, 1]))
    assert 0.4 * setup.noise < rough < 2 * setup.noise + 1.5
