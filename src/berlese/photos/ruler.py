"""Find a ruler on a photo by its ticks, and say what it tells of the scale.

A ruler is a row of parallel ticks at one distance, of which every tenth is longer than its
neighbours (millimetres), every twentieth (half millimetres) or every sixteenth (inches). Where
that pattern is not seen on at least `LEAST_MAJORS` long ticks, nothing is said: stripes, barcodes
and grids are periodic too, and a wrong scale is worse than none. What is found is an offer; a
person takes it, or not. A ruler that lies askew to the picture is found at any angle; it must
lie in the plane of the animals, and the camera look at it from straight above.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 160  # pixels of the copy in which ticks are looked for
STRIDE = 80
LEAST_COHERENCE = 0.2  # of the gradients in a tile: ticks share one direction
LEAST_GRADIENT = 6.0  # grey levels a pixel, root mean square
CANDIDATES = 12  # tiles that are looked at closely
SHORTEST_PERIOD, LONGEST_PERIOD = 3.5, 40.0  # pixels between ticks
LEAST_PEAK = 0.3  # of the energy of a line across ticks that its period has
STEADY = 0.5  # of the strongest response that ticks of the same ruler keep
LEAST_TICKS = 25
TICK_REACH = 12  # ticks' distances that the longest one is long at most
LEAST_MAJORS = 3
LONGER = 1.12  # times its neighbours' length that a long tick has
ON_EDGE = 0.3  # of the ticks' distance that long and short ones may differ at the ruler's edge
MM_OF_PATTERN = {10: 1.0, 20: 0.5, 16: 25.4 / 16}

_Grey = NDArray[np.float32]
_Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ruler:
    """A ruler that was found.

    Attributes
    ----------
    mm_per_pixel : float
        Of the picture that was given.
    ticks : int
        How many were seen in a row.
    mm_per_tick : float
        1, 0.5 or a sixteenth of an inch.
    angle_deg : float
        Direction of the ruler, 0 to 180, from the x axis towards the y axis.
    start, end : tuple of float
        The first and the last tick, x and y in pixels of the picture.
    """

    mm_per_pixel: float
    ticks: int
    mm_per_tick: float
    angle_deg: float
    start: tuple[float, float]
    end: tuple[float, float]


def find_ruler(pixels: NDArray[np.uint8]) -> Ruler | None:
    """Find the ruler with most ticks on a picture.

    Parameters
    ----------
    pixels : ndarray of uint8 of shape (height, width, 3)
        sRGB; ticks should be 4 to 40 pixels apart.

    Returns
    -------
    Ruler or None
        None where no row of ticks has the pattern of a ruler.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    found = [ruler for tile in _striped_tiles(grey) if (ruler := _read(grey, *tile)) is not None]
    return max(found, key=lambda ruler: ruler.ticks, default=None)


def _striped_tiles(grey: _Grey) -> list[tuple[float, float, float]]:
    """Middles of the tiles that hold stripes, and the direction across these, best first."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8
    means = [
        cv2.boxFilter(product, cv2.CV_32F, (TILE, TILE))[
            STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE
        ]
        for product in (across * across, down * down, across * down)
    ]
    xx, yy, xy = means
    energy = xx + yy
    coherence = np.hypot(xx - yy, 2 * xy) / np.maximum(energy, 1e-6)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    striped = (coherence >= LEAST_COHERENCE) & (energy >= LEAST_GRADIENT**2)
    rows, columns = np.nonzero(striped)
    tiles = []
    for row, column in zip(rows, columns, strict=True):
        middle = (float(STRIDE // 2 + column * STRIDE), float(STRIDE // 2 + row * STRIDE))
        # The ruler's own edge may be stronger than its ticks: they stand upright on it.
        for turn in (float(angle[row, column]), float(angle[row, column]) + np.pi / 2):
            peak = _peak(_strip(grey, middle, turn, TILE, TILE // 2))
            if peak >= LEAST_PEAK:
                tiles.append((peak, *middle, turn))
    return [tile[1:] for tile in sorted(tiles, reverse=True)[:CANDIDATES]]


def _strip(
    grey: _Grey, middle: tuple[float, float], angle: float, length: int, height: int
) -> _Grey:
    """Cut a strip along `angle` out of the picture, its middle at `middle`; outside is NaN."""
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    corner = np.array(middle) - along * (length - 1) / 2 - across * (height - 1) / 2
    turn = np.column_stack([along, across, corner])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        *(grey, turn, (length, height)),
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float("nan"),
    )
    return np.asarray(cut, np.float32)


def _spectra(strip: _Grey) -> tuple[_Values, _Values]:
    """Frequencies (a pixel) in reach, and each row's energy there as a share of all its energy."""
    filled = np.nan_to_num(strip, nan=float(np.nanmean(strip)))
    trend = cv2.GaussianBlur(filled, (0, 0), sigmaX=LONGEST_PERIOD, sigmaY=1e-3)
    lines = (filled - trend) * np.hanning(strip.shape[1])[None, :]
    energy = np.abs(np.fft.rfft(lines, n=4 * strip.shape[1], axis=1)) ** 2
    frequencies = np.fft.rfftfreq(4 * strip.shape[1])
    reach = (frequencies >= 1 / LONGEST_PERIOD) & (frequencies <= 1 / SHORTEST_PERIOD)
    # Four bins to a line of the plain spectrum: a sum over both neighbours is one line's energy.
    total = np.maximum(energy.sum(axis=1, keepdims=True) / 4, 1e-6)
    return np.asarray(frequencies[reach], np.float64), np.asarray(
        energy[:, reach] / total, np.float64
    )


def _peak(strip: _Grey) -> float:
    """How periodic the most periodic rows are: 1 for a sine, 0 for noise."""
    _, shares = _spectra(strip)
    rows = np.sort(shares.max(axis=1))[::-1]
    return float(rows[: max(4, len(rows) // 8)].mean())


def _read(grey: _Grey, x: float, y: float, angle: float) -> Ruler | None:
    """Read the ruler that a tile with ticks belongs to."""
    angle = _steadied(grey, x, y, angle)
    frequency, row = _period_of(_strip(grey, (x, y), angle, TILE, TILE))
    if frequency is None:
        return None
    across = np.array([-np.sin(angle), np.cos(angle)])
    base = np.array([x, y]) + across * (row - (TILE - 1) / 2)
    length = 2 * int(np.hypot(*grey.shape) / 2) + 1
    reach = round(TICK_REACH / frequency)
    for _ in range(2):
        strip = _strip(grey, (float(base[0]), float(base[1])), angle, length, 2 * reach + 1)
        ticks = _ticks(strip[reach - 1 : reach + 2], frequency, length // 2)
        if ticks is not None and len(ticks) >= LEAST_TICKS:
            angle += _lean(strip, ticks, reach)
    if ticks is None or len(ticks) < LEAST_TICKS:
        return None
    period = float(np.diff(ticks).mean())
    # Where ticks are light on dark ground, what was taken for ticks are the gaps between them.
    for shift in (0, period / 2):
        pattern = _pattern(*_ends(strip, ticks + shift, reach), period, len(strip))
        if pattern is not None:
            break
    else:
        return None
    along = np.array([np.cos(angle), np.sin(angle)])
    ends = [base + along * (tick - (length - 1) / 2) for tick in ticks[[0, -1]]]
    return Ruler(
        mm_per_pixel=MM_OF_PATTERN[pattern] / period,
        ticks=len(ticks),
        mm_per_tick=MM_OF_PATTERN[pattern],
        angle_deg=float(np.degrees(angle) % 180),
        start=(float(ends[0][0]), float(ends[0][1])),
        end=(float(ends[1][0]), float(ends[1][1])),
    )


def _steadied(grey: _Grey, x: float, y: float, angle: float) -> float:
    """Turn the strip a little until the ticks stand most upright in it: steepest columns."""

    def upright(turn: float) -> float:
        strip = np.nan_to_num(_strip(grey, (x, y), angle + turn, TILE, TILE // 2))
        return float(np.square(np.diff(strip.reshape(-1, 8, TILE).mean(axis=1), axis=1)).sum())

    turns = np.radians(np.linspace(-4, 4, 33))
    return angle + float(turns[int(np.argmax([upright(turn) for turn in turns]))])


def _period_of(strip: _Grey) -> tuple[float | None, int]:
    """Frequency of the ticks in a tile, and the row in the middle of where they are clearest."""
    frequencies, shares = _spectra(strip)
    # Long ticks alone have a tenth of the frequency: the rows with all ticks have most energy.
    smooth = cv2.GaussianBlur(shares, (0, 0), sigmaX=1e-3, sigmaY=2.0)
    row, column = np.unravel_index(int(smooth.argmax()), smooth.shape)
    if smooth[row, column] < LEAST_PEAK:
        return None, 0
    return float(frequencies[column]), int(row)


def _ticks(rows: _Grey, frequency: float, middle: int) -> _Values | None:
    """Places of the ticks along a strip, as far as they go on from its middle without a gap."""
    line = rows.mean(axis=0)
    known = ~np.isnan(line)
    filled = np.where(known, line, float(np.nanmean(line))).astype(np.float64)
    place = np.arange(len(line))
    flat = filled - cv2.GaussianBlur(filled[None], (0, 0), sigmaX=1.5 / frequency)[0]
    for _ in range(2):
        wave = flat * np.exp(-2j * np.pi * frequency * place)
        sigma = 1.5 / frequency
        response = cv2.GaussianBlur(
            np.array([wave.real, wave.imag]), (0, 0), sigmaX=sigma, sigmaY=1e-3
        )
        strength, phase = np.hypot(*response), np.unwrap(np.arctan2(response[1], response[0]))
        near = np.abs(place - middle) <= TILE // 2
        steady = known & (strength >= STEADY * np.median(strength[near & known]))
        first, last = _run_around(steady, middle)
        if last - first < 2 / frequency:
            return None
        slope, start = np.polyfit(place[first:last], phase[first:last], 1)
        frequency += slope / (2 * np.pi)
    # Dark ticks are where the wave is lowest; its phase at 0 is `start`.
    turns = frequency * place + start / (2 * np.pi) + 0.5
    whole = np.arange(np.ceil(turns[first]), np.floor(turns[last - 1]) + 1)
    return np.asarray(np.interp(whole, turns, place))


def _lean(strip: _Grey, ticks: _Values, base: int) -> float:
    """Angle by which the ticks lean in the strip: what its direction is off."""
    period = float(np.diff(ticks).mean())
    apart = max(1, round(period / 2))
    own = np.s_[max(0, round(ticks[0])) : round(ticks[-1]) + 1]
    turn = np.exp(-2j * np.pi * np.arange(strip.shape[1])[own] / period)
    above, below = (
        (np.nan_to_num(strip[row, own] - np.nanmean(strip[row, own])) * turn).sum()
        for row in (base - apart, base + apart)
    )
    shift = float(np.angle(below * np.conj(above))) / (2 * np.pi) * period
    return shift / (2 * apart)


def _run_around(steady: NDArray[np.bool_], middle: int) -> tuple[int, int]:
    """First and last place, exclusive, of the unbroken run that holds `middle`."""
    if not steady[middle]:
        return middle, middle
    breaks = np.flatnonzero(~steady)
    before, after = breaks[breaks < middle], breaks[breaks > middle]
    return (
        int(before[-1]) + 1 if len(before) else 0,
        int(after[0]) if len(after) else len(steady),
    )


def _ends(strip: _Grey, ticks: _Values, base: int) -> tuple[_Values, _Values]:
    """Rows in which each tick begins and ends: as far as it differs from the gaps beside it."""
    period = float(np.diff(ticks).mean())
    columns = np.arange(strip.shape[1])

    def column_at(places: _Values) -> _Values:
        kernel = np.exp(-0.5 * ((columns[None, :] - places[:, None]) / (0.12 * period)) ** 2)
        kernel /= kernel.sum(axis=1, keepdims=True)
        return np.asarray(np.nan_to_num(strip) @ kernel.T, np.float64)

    gaps = (column_at(ticks - period / 2) + column_at(ticks + period / 2)) / 2
    contrast = np.abs(gaps - column_at(ticks))
    clear = contrast > 0.5 * np.median(contrast[base])
    first, last = np.array([_run_around(own, base) for own in clear.T], float).T
    return first, last


def _pattern(first: _Values, last: _Values, period: float, height: int) -> int | None:
    """After how many ticks a long one comes, in a strip of `height`; None for no ruler's pattern.

    Ticks stand on the ruler's edge: on one side, long and short ones end together.
    """
    lengths = last - first
    for every in sorted(MM_OF_PATTERN):
        offsets = range(every)
        contrast = [np.median(lengths[at::every]) for at in offsets]
        best = int(np.argmax(contrast))
        majors = lengths[best::every]
        others = np.delete(lengths, np.s_[best::every])
        if len(majors) < LEAST_MAJORS:
            continue
        clear = np.quantile(majors, 0.2) >= LONGER * np.quantile(others, 0.95)
        alike = np.quantile(majors, 0.8) <= LONGER * np.quantile(majors, 0.2)
        on_edge = any(
            abs(np.median(side[best::every]) - np.median(np.delete(side, np.s_[best::every])))
            <= ON_EDGE * period
            for side in (first, last)
        )
        seen_whole = np.median(first[best::every]) > 0 and np.median(last[best::every]) < height
        if clear and alike and on_edge and seen_whole:
            return every
    return None
