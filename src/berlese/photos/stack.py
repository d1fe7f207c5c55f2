"""Fuse slices that were focused at different heights to one picture that is sharp throughout.

Slices are read three or four times, one after the other, and never kept: to see their order, to
bring them into register, and to fuse them. Memory depends on their size alone. The geometry and
the light of the result are those of the slice in the middle.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from berlese.errors import PhotoError, SettingError
from berlese.options import require_between, require_one_of
from berlese.photos.brightness import brightness
from berlese.photos.depth import DepthFinder, DepthFusion, sharpness
from berlese.photos.frames import Frame, FrameKind, open_frames
from berlese.photos.pyramid import PyramidFusion, noise_of
from berlese.photos.registration import (
    Matrix,
    after,
    evened,
    identity,
    inverse,
    lay_onto,
    register,
    rescaled,
    shown_by,
)
from berlese.photos.slice_light import covered, light_of
from berlese.photos.slice_order import SliceOrder, cells_of, find_order

FloatArray = NDArray[np.float32]

METHODS = ("pyramid", "depth-map")
_REGISTER_SIDE = 2048  # finer than a twentieth of a pixel needs no more
_SAME_SCENE = 0.5  # correlation of neighbours below which one shows something else
_CELL_PX = 16  # over which light is compared


@dataclass(frozen=True, slots=True)
class StackSettings:
    """How slices are fused.

    Parameters
    ----------
    method : str
        ``pyramid`` (Helicon Focus's C) or ``depth-map`` (its B).
    align : bool
        Whether slices are brought into register and to one brightness first.
    radius_px : float
        Over which sharpness is judged for the depth map.
    smoothing_px : float
        Over which the depth map is smoothed.
    """

    method: str = "pyramid"
    align: bool = True
    radius_px: float = 8.0
    smoothing_px: float = 4.0

    def __post_init__(self) -> None:
        require_one_of(self, "method", METHODS)
        require_between(self, "radius_px", 1.0, 200.0)
        require_between(self, "smoothing_px", 0.0, 200.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """One slice, where it lies against the middle one.

    Attributes
    ----------
    frame : Frame
    matrix : ndarray of float64, shape (2, 3)
        From the result's pixels to the slice's.
    """

    frame: Frame
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Stacked:
    """What came of a stack.

    Attributes
    ----------
    pixels : ndarray of uint8 or uint16, shape (height, width, bands)
    depth : ndarray of float32, shape (height, width)
        The slice in which each pixel is sharpest, from 0, in the order of `slices`.
    slices : tuple of Placed
        The slices that were fused, in the order of their focus.
    middle : Frame
        The slice whose geometry, light, scale and profile the result has.
    left_out : tuple of PhotoError
        Slices that were not used, and why.
    notes : tuple of str
        What a person should know.
    """

    pixels: NDArray[np.generic]
    depth: FloatArray
    slices: tuple[Placed, ...]
    middle: Frame
    left_out: tuple[PhotoError, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Stack:
    """A stack while it is worked on."""

    frames: list[Frame]
    settings: StackSettings
    advance: Callable[[int], None]
    left_out: list[PhotoError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def stack_slices(
    paths: Sequence[Path | str],
    settings: StackSettings | None = None,
    advance: Callable[[int], None] | None = None,
) -> Stacked:
    """Fuse slices to one picture that is sharp throughout.

    Parameters
    ----------
    paths : sequence of Path or str
        Two slices or more, from the lowest focus to the highest or the other way round.
    settings : StackSettings, optional
    advance : callable, optional
        Called with the number of slices just read; `passes` says how often each is.

    Returns
    -------
    Stacked

    Raises
    ------
    SettingError
        If fewer than two slices can be used.
    """
    settings = settings or StackSettings()
    advance = advance or (lambda count: None)
    frames, failed = _open_all(paths)
    stack = _Stack(frames, settings, advance, left_out=failed)
    frames = _in_order(stack, len(paths))
    placed = _align(stack, frames)
    _require_two(placed, len(paths), stack.left_out)
    pixels, depth = _fuse(stack, placed)
    middle = placed[len(placed) // 2].frame
    return Stacked(pixels, depth, tuple(placed), middle, tuple(stack.left_out), tuple(stack.notes))


def passes(settings: StackSettings) -> int:
    """Return how often each slice is read."""
    return 2 + settings.align + (settings.method == "depth-map")


def _open_all(paths: Sequence[Path | str]) -> tuple[list[Frame], list[PhotoError]]:
    """Open the slices; those unlike most are left out."""
    frames, failed = open_frames(paths)
    if not frames:
        return [], failed
    kinds = [frame.kind for frame in frames]
    usual = max(kinds, key=kinds.count)
    failed += [_unlike(frame, usual) for frame in frames if frame.kind != usual]
    return [frame for frame in frames if frame.kind == usual], failed


def _unlike(frame: Frame, usual: FrameKind) -> PhotoError:
    return PhotoError(
        frame.path,
        f"is unlike the other slices: {frame.kind}, they have {usual}. Left out; take all slices "
        "of a stack with the same settings.",
    )


def _require_two(found: Sequence[object], given: int, left_out: Sequence[PhotoError]) -> None:
    if len(found) < 2:
        why = "".join(f" {error}" for error in left_out)
        raise SettingError(
            f"a stack needs at least two slices that can be used, got {len(found)} of {given} "
            f"given.{why}"
        )


def _in_order(stack: _Stack, given: int) -> list[Frame]:
    """Read every slice once; return the sound ones in the order of their focus."""
    sound, cells, lights = [], [], []
    for frame in stack.frames:
        try:
            seen = frame.reduced(_REGISTER_SIDE)
        except PhotoError as error:
            stack.left_out.append(error)
        else:
            sound.append(frame)
            cells.append(cells_of(brightness(seen)))
            lights.append(light_of(seen))
        stack.advance(1)
    _require_two(sound, given, stack.left_out)
    in_front = covered(lights)
    stack.left_out += [PhotoError(sound[number].path, why) for number, why in in_front.items()]
    kept = [number for number in range(len(sound)) if number not in in_front]
    sound, cells = [sound[number] for number in kept], [cells[number] for number in kept]
    order = find_order(cells)
    for number in order.blurred:
        reason = (
            "is sharp nowhere, although slices before and after it are: shaken, or focused "
            "elsewhere. Left out; the result may be a little softer where it belonged."
        )
        stack.left_out.append(PhotoError(sound[number].path, reason))
    if order.changed:
        stack.notes.append(_say_order(order, sound))
    return [sound[number] for number in order.order]


def _say_order(order: SliceOrder, frames: Sequence[Frame]) -> str:
    names = ", ".join(frames[number].path.name for number in order.order)
    return (
        "the slices were not given in the order of their focus; taken in the order that their "
        f"sharpness shows: {names}. The depth map counts in this order; which end is the upper "
        "one cannot be seen."
    )


def _align(stack: _Stack, frames: Sequence[Frame]) -> list[Placed]:
    """Bring each slice into register with its neighbour, and so with the middle one."""
    if not stack.settings.align:
        return [Placed(frame, identity()) for frame in frames]
    scenes: list[_Scene] = []
    for frame in frames:
        grey = frame.grey(_REGISTER_SIDE)
        grey = evened(grey, noise_of(grey))
        stack.advance(1)
        if not any(scene.take(frame, grey) for scene in scenes):
            scenes.append(_Scene([Placed(frame, identity())], grey))
    scene = max(scenes, key=lambda each: len(each.placed))
    stack.left_out += [
        PhotoError(
            frame.path,
            "does not show the scene of the other slices. Left out; is it of another stack?",
        )
        for frame in frames
        if frame not in [each.frame for each in scene.placed]
    ]
    placed = scene.placed
    back = inverse(placed[len(placed) // 2].matrix)
    return [Placed(each.frame, after(each.matrix, back)) for each in placed]


@dataclass(slots=True)
class _Scene:
    """Slices of one scene, each in register with the one before."""

    placed: list[Placed]
    last: FloatArray

    def take(self, frame: Frame, grey: FloatArray) -> bool:
        """Add a slice, unless it shows another scene."""
        found = register(self.last, grey)
        if found.correlation < _SAME_SCENE:
            return False
        factor = max(frame.kind.width, frame.kind.height) / max(grey.shape)
        matrix = after(rescaled(found.matrix, factor), self.placed[-1].matrix)
        self.placed.append(Placed(frame, matrix))
        self.last = grey
        return True


def _fuse(stack: _Stack, placed: Sequence[Placed]) -> tuple[NDArray[np.generic], FloatArray]:
    """Read the slices again, in register, and fuse them; find the depth on the way."""
    kind = placed[0].frame.kind
    shape = (kind.height, kind.width)
    middle = placed[len(placed) // 2].frame.pixels().astype(np.float32)
    noise = noise_of(brightness(middle))
    finder = DepthFinder(shape)
    by_pyramid = stack.settings.method == "pyramid"
    fusion = PyramidFusion(shape, noise) if by_pyramid else None
    for slice_, shown in _laid(stack, placed, middle):
        finder.add(sharpness(brightness(slice_), stack.settings.radius_px, noise), shown)
        if fusion is not None:
            fusion.add(slice_, shown)
    depth = np.clip(finder.result(stack.settings.smoothing_px), 0, len(placed) - 1)
    if fusion is not None:
        return _as_stored(fusion.result(), kind), depth
    mixed = DepthFusion(depth)
    for number, (slice_, shown) in enumerate(_laid(stack, placed, middle)):
        mixed.add(number, slice_, shown)
    return _as_stored(mixed.result(), kind), depth


def _laid(
    stack: _Stack, placed: Sequence[Placed], middle: FloatArray
) -> Iterator[tuple[FloatArray, NDArray[np.bool_]]]:
    """Read each slice onto the middle one's pixels, as bright as that; say what it shows."""
    size = (middle.shape[1], middle.shape[0])
    for each in placed:
        slice_: FloatArray = each.frame.pixels().astype(np.float32)
        if stack.settings.align:
            if not np.allclose(each.matrix, identity(), atol=1e-9):
                slice_ = lay_onto(slice_, each.matrix, size).reshape(middle.shape)
            slice_ *= _gains(middle, slice_)
        stack.advance(1)
        yield slice_, shown_by(each.matrix, size, size)


def _gains(middle: FloatArray, slice_: FloatArray) -> FloatArray:
    """Return a factor a channel that makes a slice as bright as the middle one.

    The median over cells: blur moves light from cell to cell, but does not make any.
    """
    size = (max(middle.shape[1] // _CELL_PX, 1), max(middle.shape[0] // _CELL_PX, 1))
    one, other = (
        cv2.resize(each, size, interpolation=cv2.INTER_AREA).reshape(-1, middle.shape[2])
        for each in (middle, slice_)
    )
    bright = one.mean(axis=1) >= np.median(one.mean(axis=1))
    return np.asarray(np.median(one[bright] / np.maximum(other[bright], 1e-3), axis=0), np.float32)


def _as_stored(picture: FloatArray, kind: FrameKind) -> NDArray[np.generic]:
    dtype = np.uint16 if kind.bits == 16 else np.uint8
    return np.clip(picture + 0.5, 0, kind.top).astype(dtype)
