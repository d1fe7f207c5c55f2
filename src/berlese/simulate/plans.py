"""Body plans of the paper's twelve taxa, their species, and how individuals vary.

A plan holds ranges of proportions, sculpture, colours and kinds of antennae. Every taxon has a
few fixed species (draws from the ranges), and every animal varies around its species. Lengths
and widths are in body lengths (front of the head to the end of the body, snout and mandibles
not counted), colours sRGB 0..255. Drawing is left to `berlese.simulate.beetles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from berlese.errors import SettingError

Colour = tuple[int, int, int]

SPECIES_PER_TAXON = 7
_FAUNA = 1852  # the species are the same in every photo, as in one country's fauna


@dataclass(frozen=True, slots=True)
class Shape:
    """Proportions and surface of one beetle; lengths and widths in body lengths."""

    length_px: float
    head_len: float = 0.12
    head_w: float = 0.18
    pron_len: float = 0.22
    pron_w: float = 0.3
    pron_front: float = 0.7  # width of the front edge against the widest place
    pron_base: float = 0.9
    pron_widest: float = 0.55
    ely_len: float = 0.6
    ely_w: float = 0.4
    ely_base: float = 0.85  # width at the shoulders against the widest place
    ely_widest: float = 0.4
    ely_apex: float = 0.45  # share of the elytra that the rounded end takes
    abd_len: float = 0.0
    abd_w: float = 0.25
    depth: float = 0.7  # height against half width
    striae: float = 0.0
    stria_depth: float = 0.0
    puncture: float = 0.0
    ridge: float = 0.0
    grain: float = 0.15
    pubescence: float = 0.0
    gloss: float = 0.4
    antenna_len: float = 0.35
    antenna_w: float = 0.018
    leg_len: float = 0.42
    leg_w: float = 0.028
    femur: float = 1.6  # thickness of the thigh against the shin
    eye: float = 0.05
    rostrum_len: float = 0.0
    rostrum_w: float = 0.05
    rostrum_curve: float = 0.0
    mandible: float = 0.0
    gape: float = 0.0  # how far the elytra stand apart at their ends
    wings: float = 0.0  # feathery hind wings


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """What the beetles of one taxon share, and how far they differ."""

    antenna: str  # filiform, clubbed, elbowed, moniliform, whorled
    ranges: Mapping[str, tuple[float, float]]
    colours: tuple[Colour, ...]
    patterns: tuple[str, ...] = ("plain",)
    pronotum_colours: tuple[Colour, ...] = ()
    leg_colours: tuple[Colour, ...] = ((52, 34, 22),)


_BLACKS: tuple[Colour, ...] = ((26, 23, 22), (34, 27, 24), (44, 31, 24), (20, 20, 23))

# fmt: off
PLANS: dict[str, BodyPlan] = {
    "Brentidae": BodyPlan(
        "moniliform",
        dict(
            length_px=(95, 165), head_len=(0.09, 0.13), head_w=(0.075, 0.095),
            pron_len=(0.25, 0.31), pron_w=(0.12, 0.155), pron_front=(0.5, 0.65),
            pron_base=(0.75, 0.9), pron_widest=(0.55, 0.7), ely_len=(0.56, 0.64),
            ely_w=(0.145, 0.18), ely_base=(0.9, 0.98), ely_widest=(0.3, 0.5),
            ely_apex=(0.12, 0.25), striae=(5, 7), stria_depth=(0.5, 0.9), gloss=(0.3, 0.6),
            depth=(0.8, 1.0), antenna_len=(0.26, 0.34), antenna_w=(0.02, 0.026),
            leg_len=(0.3, 0.36), leg_w=(0.02, 0.026), femur=(1.9, 2.5), eye=(0.026, 0.034),
            rostrum_len=(0.2, 0.34), rostrum_w=(0.03, 0.042), rostrum_curve=(0.0, 0.03),
        ),
        ((74, 36, 22), (48, 28, 22), (98, 48, 26), (36, 24, 22)),
        ("plain", "stripes"),
        leg_colours=((70, 36, 24), (42, 26, 20)),
    ),
    "Carabidae": BodyPlan(
        "filiform",
        dict(
            length_px=(105, 205), head_len=(0.12, 0.15), head_w=(0.17, 0.21),
            pron_len=(0.18, 0.23), pron_w=(0.24, 0.3), pron_front=(0.72, 0.86),
            pron_base=(0.62, 0.85), pron_widest=(0.3, 0.42), ely_len=(0.56, 0.62),
            ely_w=(0.34, 0.4), ely_base=(0.72, 0.86), ely_widest=(0.5, 0.62), ely_apex=(0.4, 0.55),
            striae=(6, 8), stria_depth=(0.5, 0.9), gloss=(0.45, 0.9), depth=(0.45, 0.6),
            antenna_len=(0.5, 0.62), antenna_w=(0.016, 0.021), leg_len=(0.55, 0.68),
            leg_w=(0.024, 0.03), femur=(1.6, 2.0), eye=(0.05, 0.065), mandible=(0.05, 0.075),
        ),
        (*_BLACKS, (30, 44, 36), (52, 40, 24), (34, 36, 56)),
        ("plain", "plain", "plain", "shoulders"),
        pronotum_colours=((24, 22, 22), (60, 32, 20), (36, 46, 40)),
        leg_colours=((36, 24, 20), (112, 62, 28), (24, 22, 22)),
    ),
    "Chrysomelidae": BodyPlan(
        "filiform",
        dict(
            length_px=(58, 125), head_len=(0.08, 0.11), head_w=(0.26, 0.31), pron_len=(0.18, 0.22),
            pron_w=(0.42, 0.5), pron_front=(0.68, 0.8), pron_base=(0.95, 1.0),
            pron_widest=(0.75, 0.9), ely_len=(0.68, 0.74), ely_w=(0.54, 0.64),
            ely_base=(0.82, 0.92), ely_widest=(0.5, 0.62), ely_apex=(0.5, 0.7),
            puncture=(0.1, 0.5), gloss=(0.8, 1.2), depth=(0.75, 0.95), grain=(0.02, 0.1),
            antenna_len=(0.36, 0.46), antenna_w=(0.022, 0.028), leg_len=(0.36, 0.42),
            leg_w=(0.034, 0.042), femur=(1.7, 2.4), eye=(0.045, 0.055),
        ),
        (
            (24, 84, 58), (28, 36, 74), (142, 58, 22), (86, 66, 28), (30, 26, 26), (176, 128, 40),
            (96, 56, 28),
        ),
        ("plain", "plain", "spots", "stripes", "plain", "bands", "plain"),
        pronotum_colours=((30, 70, 60), (150, 66, 26), (30, 44, 90)),
        leg_colours=((30, 30, 34), (122, 66, 28)),
    ),
    "Cryptophagidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(52, 76), head_len=(0.1, 0.13), head_w=(0.22, 0.26), pron_len=(0.21, 0.25),
            pron_w=(0.35, 0.4), pron_front=(0.78, 0.9), pron_base=(0.88, 0.98),
            pron_widest=(0.35, 0.55), ely_len=(0.62, 0.68), ely_w=(0.4, 0.46),
            ely_base=(0.85, 0.94), ely_widest=(0.3, 0.42), ely_apex=(0.5, 0.65),
            puncture=(0.2, 0.4), pubescence=(0.6, 1.0), gloss=(0.12, 0.25), depth=(0.6, 0.75),
            antenna_len=(0.32, 0.38), antenna_w=(0.028, 0.034), leg_len=(0.34, 0.4),
            leg_w=(0.034, 0.04), eye=(0.036, 0.046),
        ),
        ((138, 86, 44), (118, 68, 34), (152, 100, 54), (104, 62, 34)),
        leg_colours=((138, 84, 42), (112, 66, 34)),
    ),
    "Curculionidae": BodyPlan(
        "elbowed",
        dict(
            length_px=(60, 145), head_len=(0.09, 0.12), head_w=(0.16, 0.2), pron_len=(0.22, 0.27),
            pron_w=(0.29, 0.35), pron_front=(0.58, 0.7), pron_base=(0.85, 0.95),
            pron_widest=(0.5, 0.65), ely_len=(0.62, 0.7), ely_w=(0.45, 0.56), ely_base=(0.68, 0.8),
            ely_widest=(0.5, 0.66), ely_apex=(0.5, 0.65), striae=(6, 8), stria_depth=(0.5, 1.0),
            puncture=(0.3, 0.6), grain=(0.3, 0.55), pubescence=(0.1, 0.5), gloss=(0.05, 0.22),
            depth=(0.85, 1.05), antenna_len=(0.36, 0.42), antenna_w=(0.02, 0.026),
            leg_len=(0.42, 0.5), leg_w=(0.034, 0.042), femur=(1.9, 2.5), eye=(0.034, 0.042),
            rostrum_len=(0.17, 0.27), rostrum_w=(0.062, 0.082), rostrum_curve=(0.05, 0.12),
        ),
        ((74, 58, 44), (98, 84, 66), (50, 40, 34), (112, 92, 68), (84, 92, 70)),
        ("plain", "mottled", "bands"),
        leg_colours=((62, 44, 32), (88, 58, 36)),
    ),
    "Latridiidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(44, 62), head_len=(0.13, 0.16), head_w=(0.2, 0.24), pron_len=(0.19, 0.23),
            pron_w=(0.22, 0.27), pron_front=(0.85, 0.98), pron_base=(0.75, 0.88),
            pron_widest=(0.3, 0.45), ely_len=(0.62, 0.66), ely_w=(0.4, 0.46), ely_base=(0.7, 0.8),
            ely_widest=(0.45, 0.58), ely_apex=(0.5, 0.62), striae=(4, 5), stria_depth=(0.8, 1.2),
            puncture=(0.8, 1.2), ridge=(0.8, 1.2), gloss=(0.1, 0.25), depth=(0.65, 0.8),
            antenna_len=(0.36, 0.42), antenna_w=(0.024, 0.03), leg_len=(0.36, 0.42),
            leg_w=(0.028, 0.034), eye=(0.04, 0.05),
        ),
        ((104, 60, 32), (78, 48, 32), (128, 78, 42), (58, 40, 32)),
        leg_colours=((124, 74, 40), (96, 58, 34)),
    ),
    "Leiodidae": BodyPlan(
        "clubbed",
        dict(
            length_px=(52, 88), head_len=(0.09, 0.12), head_w=(0.3, 0.36), pron_len=(0.22, 0.26),
            pron_w=(0.56, 0.64), pron_front=(0.66, 0.76), pron_base=(0.96, 1.0),
            pron_widest=(0.85, 0.98), ely_len=(0.64, 0.7), ely_w=(0.6, 0.7), ely_base=(0.95, 1.0),
            ely_widest=(0.06, 0.16), ely_apex=(0.8, 0.95), striae=(0, 5), stria_depth=(0.1, 0.3),
            puncture=(0.1, 0.3), gloss=(0.8, 1.2), depth=(0.9, 1.1), grain=(0.02, 0.08),
            antenna_len=(0.28, 0.34), antenna_w=(0.028, 0.034), leg_len=(0.3, 0.36),
            leg_w=(0.036, 0.044), eye=(0.04, 0.05),
        ),
        ((66, 34, 20), (44, 26, 20), (96, 52, 26), (28, 22, 22)),
        leg_colours=((96, 54, 28), (70, 38, 24)),
    ),
    "Melyridae": BodyPlan(
        "filiform",
        dict(
            length_px=(62, 122), head_len=(0.12, 0.15), head_w=(0.24, 0.29), pron_len=(0.15, 0.18),
            pron_w=(0.27, 0.32), pron_front=(0.85, 0.95), pron_base=(0.85, 0.95),
            pron_widest=(0.45, 0.55), ely_len=(0.58, 0.64), ely_w=(0.36, 0.42),
            ely_base=(0.76, 0.85), ely_widest=(0.68, 0.82), ely_apex=(0.2, 0.3),
            abd_len=(0.04, 0.09), abd_w=(0.24, 0.3), pubescence=(0.3, 0.7), gloss=(0.15, 0.35),
            depth=(0.35, 0.5), grain=(0.25, 0.4), gape=(0.12, 0.3), antenna_len=(0.4, 0.48),
            antenna_w=(0.022, 0.028), leg_len=(0.44, 0.5), leg_w=(0.02, 0.025), eye=(0.055, 0.065),
        ),
        ((34, 76, 60), (124, 46, 28), (38, 58, 76), (72, 80, 42), (40, 34, 30), (108, 76, 44)),
        ("plain", "apex", "plain"),
        pronotum_colours=((148, 56, 30), (34, 66, 58), (160, 78, 36)),
        leg_colours=((44, 40, 36), (118, 72, 36)),
    ),
    "Ptiliidae": BodyPlan(
        "whorled",
        dict(
            length_px=(38, 52), head_len=(0.13, 0.16), head_w=(0.3, 0.36), pron_len=(0.21, 0.25),
            pron_w=(0.44, 0.52), pron_front=(0.7, 0.8), pron_base=(0.92, 1.0),
            pron_widest=(0.6, 0.75), ely_len=(0.52, 0.58), ely_w=(0.46, 0.54),
            ely_base=(0.88, 0.96), ely_widest=(0.3, 0.45), ely_apex=(0.3, 0.45),
            abd_len=(0.04, 0.1), abd_w=(0.26, 0.34), pubescence=(0.4, 0.8), gloss=(0.2, 0.4),
            depth=(0.7, 0.85), antenna_len=(0.34, 0.4), antenna_w=(0.016, 0.02),
            leg_len=(0.3, 0.36), leg_w=(0.03, 0.036), eye=(0.04, 0.05), wings=(0.0, 0.5),
        ),
        ((58, 38, 28), (38, 28, 26), (92, 58, 34), (46, 34, 30)),
        leg_colours=((134, 92, 48), (108, 72, 40)),
    ),
    "Scaphidiinae": BodyPlan(
        "clubbed",
        dict(
            length_px=(68, 108), head_len=(0.08, 0.11), head_w=(0.17, 0.21), pron_len=(0.25, 0.29),
            pron_w=(0.42, 0.48), pron_front=(0.42, 0.52), pron_base=(0.97, 1.0),
            pron_widest=(0.92, 1.0), ely_len=(0.46, 0.52), ely_w=(0.46, 0.54),
            ely_base=(0.92, 0.98), ely_widest=(0.2, 0.32), ely_apex=(0.03, 0.06),
            abd_len=(0.15, 0.21), abd_w=(0.33, 0.39), puncture=(0.0, 0.3), gloss=(0.9, 1.3),
            depth=(0.85, 1.05), grain=(0.01, 0.06), antenna_len=(0.34, 0.4),
            antenna_w=(0.022, 0.028), leg_len=(0.42, 0.5), leg_w=(0.024, 0.03), eye=(0.04, 0.05),
        ),
        ((24, 21, 22), (34, 25, 22), (54, 30, 22)),
        ("plain", "spots", "plain"),
        leg_colours=((58, 32, 22), (34, 24, 20)),
    ),
    "Staphylinidae": BodyPlan(
        "moniliform",
        dict(
            length_px=(58, 185), head_len=(0.12, 0.15), head_w=(0.14, 0.175),
            pron_len=(0.15, 0.19), pron_w=(0.155, 0.19), pron_front=(0.82, 0.95),
            pron_base=(0.8, 0.95), pron_widest=(0.35, 0.6), ely_len=(0.15, 0.2),
            ely_w=(0.17, 0.21), ely_base=(0.88, 0.95), ely_widest=(0.6, 0.8), ely_apex=(0.05, 0.1),
            abd_len=(0.48, 0.56), abd_w=(0.16, 0.2), pubescence=(0.1, 0.6), gloss=(0.3, 0.7),
            depth=(0.55, 0.75), antenna_len=(0.24, 0.3), antenna_w=(0.02, 0.025),
            leg_len=(0.3, 0.36), leg_w=(0.018, 0.023), eye=(0.03, 0.04), mandible=(0.03, 0.05),
        ),
        ((28, 23, 22), (112, 58, 26), (58, 36, 26), (20, 21, 24)),
        ("plain", "plain", "apex"),
        pronotum_colours=((26, 22, 22), (124, 62, 28)),
        leg_colours=((116, 66, 32), (50, 32, 24)),
    ),
    "Tenebrionidae": BodyPlan(
        "moniliform",
        dict(
            length_px=(110, 190), head_len=(0.09, 0.12), head_w=(0.22, 0.26), pron_len=(0.2, 0.25),
            pron_w=(0.36, 0.42), pron_front=(0.72, 0.82), pron_base=(0.92, 1.0),
            pron_widest=(0.5, 0.7), ely_len=(0.63, 0.7), ely_w=(0.4, 0.48), ely_base=(0.88, 0.96),
            ely_widest=(0.5, 0.62), ely_apex=(0.36, 0.5), striae=(0, 8), stria_depth=(0.2, 0.5),
            puncture=(0.3, 0.7), grain=(0.4, 0.7), gloss=(0.04, 0.16), depth=(0.6, 0.75),
            antenna_len=(0.28, 0.34), antenna_w=(0.026, 0.032), leg_len=(0.4, 0.48),
            leg_w=(0.032, 0.04), femur=(1.4, 1.8), eye=(0.03, 0.04),
        ),
        ((30, 27, 26), (42, 33, 29), (24, 23, 24), (50, 42, 36)),
        leg_colours=((34, 28, 26), (52, 36, 28)),
    ),
}
# fmt: on

TAXA: tuple[str, ...] = tuple(PLANS)


@dataclass(frozen=True, slots=True)
class Species:
    """One kind of beetle: a shape, a kind of antennae, colours and a pattern."""

    taxon: str
    shape: Shape
    antenna: str
    colour: Colour
    pronotum_colour: Colour
    leg_colour: Colour
    pattern: str


def species_of(taxon: str, index: int) -> Species:
    """Return species `index` (from 0) of a taxon, always the same."""
    if taxon not in PLANS:
        raise SettingError(f"There is no plan for taxon {taxon!r}; known are {', '.join(TAXA)}.")
    plan = PLANS[taxon]
    rng = np.random.default_rng([_FAUNA, TAXA.index(taxon), index])
    shape = Shape(**{name: float(rng.uniform(*limits)) for name, limits in plan.ranges.items()})
    colour = plan.colours[index % len(plan.colours)]
    others = plan.pronotum_colours
    own = bool(others) and rng.random() < 0.5
    return Species(
        taxon=taxon,
        shape=shape,
        antenna=plan.antenna,
        colour=colour,
        pronotum_colour=others[int(rng.integers(len(others)))] if own else colour,
        leg_colour=plan.leg_colours[int(rng.integers(len(plan.leg_colours)))],
        pattern=plan.patterns[index % len(plan.patterns)],
    )


def vary(species: Species, rng: np.random.Generator, *, spread: float = 1.0) -> Species:
    """Return one individual of a species: every trait moved a little, colours too.

    `spread` multiplies how far individuals differ.
    """
    changes = {}
    for field in fields(Shape):
        value = getattr(species.shape, field.name)
        far = spread * (0.08 if field.name == "length_px" else 0.06)
        changes[field.name] = float(value * np.exp(far * np.clip(rng.standard_normal(), -2, 2)))
    changes["wings"] = species.shape.wings if rng.random() < 0.5 else 0.0
    paler = float(np.exp(rng.normal(0, 0.2 * spread)))

    def tint(colour: Colour) -> Colour:
        shifted = [np.clip(c * paler * rng.normal(1, 0.04) + 2, 0, 235) for c in colour]
        return (int(shifted[0]), int(shifted[1]), int(shifted[2]))

    return replace(
        species,
        shape=replace(species.shape, **changes),
        colour=tint(species.colour),
        pronotum_colour=tint(species.pronotum_colour),
        leg_colour=tint(species.leg_colour),
    )
