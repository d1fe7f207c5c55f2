"""What is wrong with how photos were taken, in words, and what to change at the bench.

A photo is held against fixed limits, and against the other photos of its survey: the odd one
out is often the one that somebody took on another day. Each fault has a name, so that a
program can act on it; each finding says what was seen, and what to do.

Where the limits come from: half a stop of light (evenness), the lightness below which no part
of a photo uses the upper half of its grey levels, and measurements on photos of known faults
(`docs/how-to/imaging.md`).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from berlese.survey.imaging import SeenAnimal, SeenPhoto

BLURRED_EDGE_PX = 4.5
BLURRED_SHARE = 0.015  # of the animal's length: large animals bear wider edges
ANIMAL_BLUR = 1.8  # times the photo's own edge width
BURNT_GROUND = 0.05  # share of the ground
BURNT_ANIMALS = 0.10  # share of the animals' pixels
DARK_PHOTO = 70.0  # lightness of its brightest parts
BLACK_ANIMALS = 0.25  # share of the animals' pixels
TINT = 5.0  # CIELAB units from neutral: what most people see
UNEVEN = 0.7  # half a stop
SHORT_PX = 40.0
FEW_TONES = 12.0  # CIELAB units of lightness
SCALE_DIFFERS = 0.03
FEW_PHOTOS = 5  # fewer cannot say what is usual
ODD_DEVIATIONS = 4.0
NAMED_ANIMALS = 8  # numbers that a sentence lists


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one photo.

    Attributes
    ----------
    photo : str
        As the survey stores it.
    fault : str
        Short name: unreadable, no_animals, something_larger, out_of_focus, low_contrast,
        animals_out_of_focus, overexposed, underexposed, black_animals, burnt_animals, colour_cast,
        uneven_light, too_small, scale_offered, scale_differs, no_scale; against the other photos
        odd_light, odd_colour, odd_evenness or odd_sharpness.
    seen : str
        What was seen, with the figure and its limit.
    advice : str
        What to change at the bench.
    """

    photo: str
    fault: str
    seen: str
    advice: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields for JSON."""
        return asdict(self)


def findings_of(photos: Sequence[SeenPhoto]) -> list[Finding]:
    """Judge the photos of one survey; in the order of the photos."""
    found: list[Finding] = []
    odd = _odd_ones(photos)
    for photo in photos:
        if photo.ground is None:
            words = "Its file cannot be looked at: " + photo.reason
            found.append(Finding(photo.path, "unreadable", words, "Bring the whole file back."))
            continue
        own = [*_of_animals(photo, photo.ground), *_of_light(photo, photo.ground)]
        named = {finding.fault for finding in own}
        found += own
        found += [finding for finding, said_by in odd.get(photo.path, []) if not named & said_by]
    return found + _about_scale(photos)


def _of_animals(photo: SeenPhoto, ground: dict[str, float]) -> list[Finding]:
    if photo.searched and not photo.animals:
        return [_without_animals(photo, ground)]
    found = _of_something_larger(photo)
    edge, length = photo.median("edge_px"), photo.median("length_px")
    blurred = edge is not None and _is_blurred(edge, length)
    if blurred:
        found.append(
            Finding(
                photo.path,
                "out_of_focus",
                f"The animals' edges are {edge:.1f} pixels wide; in focus they are 2 to 4.",
                "Focus on the animals, close the aperture by two stops, use a remote release and "
                "a longer pause before it; deep animals need a focus stack.",
            )
        )
    elif edge is not None:
        found += _single_blurred(photo, edge)
    elif photo.known("burnt"):
        found.append(
            Finding(
                photo.path,
                "low_contrast",
                f"Only {len(photo.known('edge_px'))} of {len(photo.animals)} animals differ enough "
                f"from the ground to see how sharp they are (at least {photo.fewest}).",
                "Lay pale animals on a dark ground and dark ones on a light one; light them from "
                "the sides.",
            )
        )
    if length is not None and length < SHORT_PX:
        found.append(
            Finding(
                photo.path,
                "too_small",
                f"Half of the animals are shorter than {length:.0f} pixels (limit {SHORT_PX:.0f}).",
                "Go nearer, use a longer lens or more pixels, or photograph the dish in parts.",
            )
        )
    return found + _tones_of_animals(photo)


def _without_animals(photo: SeenPhoto, ground: dict[str, float]) -> Finding:
    """Say that nothing was found, and whether there is anything to be seen at all."""
    tones = ground["brightest"] - ground["darkest"]
    if tones < FEW_TONES:
        return Finding(
            photo.path,
            "no_animals",
            f"No animal was found on it, and nothing can be: from its darkest to its brightest "
            f"parts are {tones:.0f} of 100 steps of lightness (at least {FEW_TONES:.0f}).",
            "If the dish is not empty, set black and white to where the picture's tones begin and "
            "end when you export it, or photograph it again with more light.",
        )
    return Finding(
        photo.path,
        "no_animals",
        "No animal was found on it.",
        "If there are some, look whether the ground differs enough from them, and whether "
        "`--min-length-px`, `--polarity` or `--dish` leave them out; an empty dish may stay: its "
        "zeros are results.",
    )


def _of_something_larger(photo: SeenPhoto) -> list[Finding]:
    if not photo.cut_off:
        return []
    which = f"Number {_numbers(photo.cut_off)} "
    what = "is a part" if len(photo.cut_off) == 1 else "are parts"
    return [
        Finding(
            photo.path,
            "something_larger",
            f"{which}{what} of something larger that is no ground: a hand, a tool, a label?",
            "Take it out of the picture and photograph it again, or say `discarded` of what is no "
            "animal (`berlese plan`, `berlese import`).",
        )
    ]


def _numbers(numbers: Sequence[int]) -> str:
    more = len(numbers) - NAMED_ANIMALS
    listed = ", ".join(map(str, numbers[:NAMED_ANIMALS]))
    return listed + (f" and {more} more" if more > 0 else "")


def _is_blurred(edge_px: float, length_px: float | None) -> bool:
    return edge_px > max(BLURRED_EDGE_PX, BLURRED_SHARE * (length_px or 0))


def _single_blurred(photo: SeenPhoto, usual: float) -> list[Finding]:
    """Name animals that are out of focus on a photo that is not."""

    def is_one(animal: SeenAnimal) -> bool:
        edge = animal.edge_px
        return (
            animal.number not in photo.cut_off
            and edge is not None
            and edge > ANIMAL_BLUR * usual
            and _is_blurred(edge, animal.length_px)
        )

    numbers = [animal.number for animal in photo.animals if is_one(animal)]
    if not numbers:
        return []
    return [
        Finding(
            photo.path,
            "animals_out_of_focus",
            f"{len(numbers)} of {len(photo.animals)} animals are out of focus: "
            f"number {_numbers(numbers)}.",
            "They lie higher or lower than the others: flatten or turn them, close the aperture, "
            "or take a focus stack.",
        )
    ]


def _tones_of_animals(photo: SeenPhoto) -> list[Finding]:
    black, burnt = photo.median("crushed"), photo.median("burnt")
    if black is not None and black > BLACK_ANIMALS:
        return [
            Finding(
                photo.path,
                "black_animals",
                f"{100 * black:.0f} % of the animals' pixels are black and show nothing "
                f"(limit {100 * BLACK_ANIMALS:.0f} %).",
                "Light them from above and from the sides instead of from below, and set the "
                "camera's contrast lower.",
            )
        ]
    if burnt is not None and burnt > BURNT_ANIMALS:
        return [
            Finding(
                photo.path,
                "burnt_animals",
                f"{100 * burnt:.0f} % of the animals' pixels are white and show nothing "
                f"(limit {100 * BURNT_ANIMALS:.0f} %).",
                "Put a diffuser before the lamps, or cross polarisers, and expose shorter.",
            )
        ]
    return []


def _of_light(photo: SeenPhoto, ground: dict[str, float]) -> list[Finding]:
    found = []
    if ground["burnt"] > BURNT_GROUND:
        found.append(
            Finding(
                photo.path,
                "overexposed",
                f"{100 * ground['burnt']:.0f} % of the ground is burnt out to white "
                f"(limit {100 * BURNT_GROUND:.0f} %): pale legs and wings vanish in it.",
                "Expose shorter until the ground is light grey, about 230 of 255.",
            )
        )
    elif ground["brightest"] < DARK_PHOTO:
        found.append(
            Finding(
                photo.path,
                "underexposed",
                f"The brightest parts have a lightness of {ground['brightest']:.0f} of 100 "
                f"(limit {DARK_PHOTO:.0f}): dark animals lose their detail.",
                "Expose longer or bring more light, until a white ground is light grey.",
            )
        )
    tint = float(np.hypot(ground["red_green"], ground["yellow_blue"]))
    if tint > TINT:
        found.append(
            Finding(
                photo.path,
                "colour_cast",
                f"The ground is {_tint_name(ground)}, {tint:.0f} units from neutral "
                f"(limit {TINT:.0f}).",
                "Set the white balance on the empty dish; if the ground itself is coloured, use a "
                "white or grey one.",
            )
        )
    if ground["evenness"] < UNEVEN:
        found.append(
            Finding(
                photo.path,
                "uneven_light",
                f"The darkest ground between the animals has {100 * ground['evenness']:.0f} % of "
                f"the light of the brightest (limit {100 * UNEVEN:.0f} %).",
                "Use two lamps on opposite sides, farther away, or a light tent.",
            )
        )
    return found


def _tint_name(ground: dict[str, float]) -> str:
    """Name the direction of a tint."""
    names = ("reddish", "orange", "yellowish", "yellow-green", "greenish", "cyan", "bluish", "pink")
    angle = np.degrees(np.arctan2(ground["yellow_blue"], ground["red_green"]))
    return names[round(float(angle) / 45) % 8]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Something in which a photo may differ from its survey's others."""

    fault: str
    value: Callable[[SeenPhoto], float | None]
    least: float  # difference that matters
    lower: str
    higher: str
    advice: str
    said_by: frozenset[str]  # faults that already say so


def _of_ground(name: str) -> Callable[[SeenPhoto], float | None]:
    return lambda photo: None if photo.ground is None else photo.ground[name]


_LIGHT = frozenset({"overexposed", "underexposed"})
_COMPARISONS = (
    _Comparison(
        *("odd_light", _of_ground("level"), 8.0, "The ground is darker", "The ground is brighter"),
        *("Keep exposure and lamps the same for all photos.", _LIGHT),
    ),
    _Comparison(
        *("odd_colour", _of_ground("red_green"), 5.0, "The ground is greener"),
        *(
            "The ground is redder",
            "Keep the white balance the same for all photos.",
            _LIGHT | {"colour_cast"},
        ),
    ),
    _Comparison(
        *("odd_colour", _of_ground("yellow_blue"), 5.0, "The ground is bluer"),
        *(
            "The ground is yellower",
            "Keep the white balance the same for all photos.",
            _LIGHT | {"colour_cast"},
        ),
    ),
    _Comparison(
        *("odd_evenness", _of_ground("evenness"), 0.12, "The light is less even", ""),
        *("Keep the lamps in place for all photos.", _LIGHT | {"uneven_light"}),
    ),
    _Comparison(
        *("odd_sharpness", lambda photo: photo.median("edge_px"), 1.2, ""),
        *(
            "The animals' edges are wider",
            "Focus again, or photograph it anew.",
            frozenset({"out_of_focus"}),
        ),
    ),
)
"""An empty word means that nobody minds a difference to that side."""


def _odd_ones(photos: Sequence[SeenPhoto]) -> dict[str, list[tuple[Finding, frozenset[str]]]]:
    """Photos that differ from their survey's others, with the faults that would say it too."""
    found: dict[str, list[tuple[Finding, frozenset[str]]]] = {}
    for each in _COMPARISONS:
        known = [(photo, value) for photo in photos if (value := each.value(photo)) is not None]
        if len(known) < FEW_PHOTOS:
            continue
        values = np.array([value for _, value in known])
        usual = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - usual)))
        limit = max(each.least, ODD_DEVIATIONS * spread)
        for at in np.flatnonzero(np.abs(values - usual) > limit):
            words = each.higher if values[at] > usual else each.lower
            if words:
                seen = f"{words} than on the other photos ({values[at]:.3g}, usually {usual:.3g})."
                path = known[int(at)][0].path
                finding = Finding(path, each.fault, seen, each.advice)
                found.setdefault(path, []).append((finding, each.said_by))
    return found


def _about_scale(photos: Sequence[SeenPhoto]) -> list[Finding]:
    """Say what rulers offer, and once which photos have no scale at all."""
    found = []
    for photo in photos:
        offer, scale = photo.ruler_mm_per_pixel, photo.mm_per_pixel
        if offer is not None and scale is None:
            seen = f"A ruler on it says {offer:.5g} mm per pixel; nothing was set."
            advice = "Look whether it lies in the plane of the animals, then take it: "
            command = f"`berlese add {photo.arguments} --mm-per-pixel {offer:.5g}`."
            found.append(Finding(photo.path, "scale_offered", seen, advice + command))
        elif offer is not None and scale is not None and abs(offer / scale - 1) > SCALE_DIFFERS:
            seen = (
                f"A ruler on it says {offer:.5g} mm per pixel, but its scale is {scale:.5g} "
                f"({photo.scale_source or 'from an older survey'})."
            )
            found.append(Finding(photo.path, "scale_differs", seen, "Check which one is right."))
    return found + _without_scale(photos)


def _without_scale(photos: Sequence[SeenPhoto]) -> list[Finding]:
    without = [
        photo
        for photo in photos
        if photo.animals and photo.mm_per_pixel is None and photo.ruler_mm_per_pixel is None
    ]
    if not without:
        return []
    first = without[0]
    others = len(without) - 1
    many = "It has" if not others else f"It and {others} other{'s' * (others > 1)} have"
    return [
        Finding(
            first.path,
            "no_scale",
            f"{many} no scale: lengths are in pixels only, and there is no mass.",
            "Lay a ruler beside the animals once for each camera position and give what it says "
            "with `--mm-per-pixel`.",
        )
    ]


def summary_of(photos: Sequence[SeenPhoto]) -> dict[str, Any]:
    """Return photos and findings for JSON."""
    return {
        "photos": [photo.to_dict() for photo in photos],
        "findings": [finding.to_dict() for finding in findings_of(photos)],
    }
