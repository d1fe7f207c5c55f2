"""What `gap` found, in sentences and as JSON types."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from berlese.classify.gap.distance import Difference, Expectation
from berlese.classify.gap.domain_error import DomainError
from berlese.survey.failures import Failure


@dataclass(frozen=True, slots=True)
class GapReport:
    """How far a photo set is from a library, and what to expect of names there."""

    pictures: tuple[int, int]
    error: DomainError
    differences: tuple[Difference, ...]
    expected: Expectation | None
    alike: tuple[tuple[Path, Path], ...]
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "library_pictures": self.pictures[0],
            "target_pictures": self.pictures[1],
            "dataset_error": asdict(self.error),
            "differences": [asdict(each) | {"size": each.size} for each in self.differences],
            "expected_accuracy": None if self.expected is None else asdict(self.expected),
            "look_alikes": [[str(a), str(b)] for a, b in self.alike],
            "advice": self.advice(),
            "failures": [{"file": each.file, "reason": each.reason} for each in self.failures],
        }

    def headlines(self) -> list[str]:
        """Say how far apart the sets are, and what accuracy to expect."""
        lines = [self.error.in_words()]
        if self.expected is not None:
            lines.append(_expected_in_words(self.expected))
        return lines

    def in_words(self) -> list[str]:
        """Say all of it in sentences for a person."""
        told = [f"{each.size.capitalize()}: {_in_words(each)}." for each in self.told_apart()]
        return self.headlines() + told + self.advice()

    def told_apart(self) -> list[Difference]:
        """List the differences that are more than small."""
        return [each for each in self.differences if each.size != "small"]

    def advice(self) -> list[str]:
        """Say what to change at the bench."""
        found = [WORDS[each.name][1 if each.delta > 0 else 2] for each in self.told_apart()]
        if found or self.error.alike:
            return found
        return [
            "Light, colour, scale and sharpness are alike: the animals differ, or what lies around "
            "them; only names of your own animals will help."
        ]


# What it is, and what to do about more and about less of it in the photos.
WORDS = {
    "size_px": (
        "pixels across",
        "Animals are larger in pixels than the library's: no harm, larger is shrunk.",
        "Photograph closer or at a higher resolution: animals have fewer pixels than there.",
    ),
    "sharpness": (
        "sharpness",
        "The photos are sharper than the library: add sharper pictures to the library.",
        "Check focus, shake and JPEG quality: the photos are more blurred than the library.",
    ),
    "ground_lightness": (
        "lightness of the ground",
        "Use a darker ground, or add pictures on a light one to the library.",
        "Use a lighter ground, or expose longer.",
    ),
    "ground_warmth": (
        "warmth of the ground",
        "Set the white balance on the empty dish: the ground is yellower than the library's.",
        "Set the white balance on the empty dish: the ground is bluer than the library's.",
    ),
    "ground_unevenness": (
        "unevenness of the ground",
        "Light the dish evenly and clear it of debris: the ground is less even than the library's.",
        "The ground is more even than the library's: add pictures on a plain ground to it.",
    ),
    "contrast": (
        "contrast of animal and ground",
        "Animals stand out darker: lower the contrast of the light, or use a darker ground.",
        "Animals stand out less: use a ground that is lighter than they are, and diffuse light.",
    ),
    "colourfulness": (
        "colour of the animals",
        "Colours are stronger: check the camera's saturation and white balance.",
        "Colours are weaker: check exposure and glare, and the camera's saturation.",
    ),
    "filling": (
        "share of the picture that the animal fills",
        "Animals fill more of their picture than in the library: leave more margin around them.",
        "Animals fill less of their picture than in the library: crop closer.",
    ),
    "elongation": (
        "length over width",
        "Animals are more drawn out (other taxa, stretched legs or antennae, or two that touch).",
        "Animals are rounder (other taxa, curled up, or seen end on).",
    ),
    "texture": (
        "light and dark within the animal",
        "Animals are more unevenly lit: diffuse the light, avoid glare.",
        "Animals are flatter: more light from the side, or expose longer.",
    ),
}


def _in_words(each: Difference) -> str:
    share = (1 + abs(each.delta)) / 2
    more = "more" if each.delta > 0 else "less"
    return (
        f"{WORDS[each.name][0]}: {each.library:.3g} in the library, {each.target:.3g} in the "
        f"photos (medians); of one picture of each, the photo's has {more} of it in {share:.0%}"
    )


def _expected_in_words(expected: Expectation) -> str:
    kept = [each.kept for each in expected.pairs]
    names = ", ".join(each.name for each in expected.pairs)
    return (
        f"Expect {expected.low:.0%} to {expected.high:.0%} of names to be right without adapting: "
        f"{expected.within:.0%} are on held-out pictures of the library, and models kept "
        f"{min(kept):.0%} to {max(kept):.0%} of that where sets differed as much ({names})."
    )
