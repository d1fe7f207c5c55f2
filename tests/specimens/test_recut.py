"""A person says how many animals there are; the outlines follow."""

from contextlib import suppress

import numpy as np
import pytest

from berlese.errors import SettingError
from berlese.simulate.lineup import pose_beetle
from berlese.specimens import recut
from berlese.specimens.clumps import THICKNESSES
from berlese.specimens.measure import filled
from berlese.specimens.outline import Box
from berlese.specimens.recut import MOST_PARTS, joined, parted

FRAME = Box(0, 0, 400, 300)


def circle(x: float, y: float, radius: float) -> np.ndarray:
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.column_stack([x + radius * np.cos(turns), y + radius * np.sin(turns)])


def iou(polygon: np.ndarray, mask: np.ndarray) -> float:
    own = filled(polygon, FRAME)
    return float((own & mask).sum() / (own | mask).sum())


def on_ground(mask: np.ndarray) -> np.ndarray:
    pixels = np.full((*mask.shape, 3), 220, np.uint8)
    pixels[mask] = (70, 50, 40)
    return pixels


def test_outlines_that_overlap_or_lie_apart_become_one() -> None:
    y, x = np.mgrid[:300, :400]
    disc = lambda a, b, r: (x - a + 0.5) ** 2 + (y - b + 0.5) ** 2 <= r**2  # noqa: E731
    touching = joined([circle(150, 150, 40), circle(210, 150, 40)])
    assert iou(touching, disc(150, 150, 40) | disc(210, 150, 40)) > 0.97
    apart = joined([circle(60, 150, 30), circle(200, 150, 30), circle(330, 100, 30)])
    three = disc(60, 150, 30) | disc(200, 150, 30) | disc(330, 100, 30)
    assert iou(apart, three) > 0.85  # and two bridges of three pixels
    assert (filled(apart, FRAME) & three).sum() > 0.97 * three.sum()


def test_halves_of_a_beetle_become_the_beetle_again() -> None:
    mask = np.zeros((300, 400), bool)
    drawn = pose_beetle("Carabidae", np.random.default_rng(3)).mask
    mask[20 : 20 + drawn.shape[0], 30 : 30 + drawn.shape[1]] = drawn
    whole = joined([_outline_of(mask)])
    halves = mask.copy(), mask.copy()
    middle = int(np.nonzero(mask)[1].mean())
    halves[0][:, middle:] = halves[1][:, : middle + 1] = False
    again = joined([_outline_of(half) for half in halves])
    assert iou(again, filled(whole, FRAME)) > 0.9  # but for ends of legs that the cut took off


def _outline_of(mask: np.ndarray) -> np.ndarray:
    import cv2

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(contours, key=cv2.contourArea)[:, 0, :] + 0.5


@pytest.mark.parametrize("count", [2, 3, 4])
def test_round_animals_in_a_row_come_out_one_each(count: int) -> None:
    y, x = np.mgrid[:300, :400]
    discs = [(x - 60 - 70 * k) ** 2 + (y - 150) ** 2 <= 38**2 for k in range(count)]
    whole = np.any(discs, axis=0)
    parts = parted(_outline_of(whole), on_ground(whole), FRAME, count)
    assert len(parts) == count
    for part, disc in zip(parts, discs, strict=True):
        assert iou(part, disc) > 0.85


def test_small_animals_around_a_large_one_are_told_apart_by_a_second_look(monkeypatch) -> None:
    y, x = np.mgrid[:300, :400]
    turns = np.arange(6) * np.pi / 3
    middles = [(200 + 73 * np.cos(turn), 150 + 73 * np.sin(turn)) for turn in turns]
    discs = [(x - 200) ** 2 + (y - 150) ** 2 <= 60**2]
    discs += [(x - across) ** 2 + (y - down) ** 2 <= 18**2 for across, down in middles]
    whole = np.any(discs, axis=0)

    def worst() -> float:
        parts = parted(_outline_of(whole), on_ground(whole), FRAME, len(discs))
        assert len(parts) == len(discs)
        return min(max(iou(part, disc) for part in parts) for disc in discs)

    assert worst() > 0.85
    monkeypatch.setattr(recut, "THICKNESSES", THICKNESSES[:1])
    assert worst() < 0.5  # one look does not see seven, and what is tried after it cuts elsewhere


def test_what_has_no_neck_is_cut_too() -> None:
    whole = np.zeros((300, 400), bool)
    whole[140:160, 50:350] = True
    parts = parted(_outline_of(whole), on_ground(whole), FRAME, 3)
    widths = [np.ptp(part[:, 0]) for part in parts]
    assert len(parts) == 3
    assert min(widths) > 60  # of 100 each
    assert np.all(np.diff([part[:, 0].mean() for part in parts]) > 50)  # from left to right


@pytest.mark.parametrize("count", [-1, 0, 1, MOST_PARTS + 1])
def test_a_number_of_parts_out_of_range_is_refused(count: int) -> None:
    whole = np.ones((300, 400), bool)
    with pytest.raises(SettingError, match=f"not into {count}"):
        parted(circle(100, 100, 40), on_ground(whole), FRAME, count)


def test_a_speck_is_not_cut() -> None:
    mask = filled(circle(100, 100, 1.2), FRAME)
    with pytest.raises(SettingError, match="too small to be 3 animals"):
        parted(circle(100, 100, 1.2), on_ground(mask), FRAME, 3)


@pytest.mark.parametrize("radius", [3.0, 5.0, 8.0])
def test_a_small_outline_gives_as_many_parts_as_asked_for_or_none(radius: float) -> None:
    outline = circle(100, 100, radius)
    pixels = on_ground(filled(outline, FRAME))
    for count in (2, 5, 11, MOST_PARTS):
        with suppress(SettingError):  # which says that it cannot be done
            assert len(parted(outline, pixels, FRAME, count)) == count
