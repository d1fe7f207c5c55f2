"""The whole path's model: the one asked for, or trained once, whatever became of the last one."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from berlese.classify.models.bundle import Bundle
from berlese.errors import BundleError
from berlese.features import backbones
from berlese.survey.pipeline import RunSettings, model_for
from berlese.survey.survey import Survey


class Silent:
    """Stages that show nothing."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, total: int | None = None):
        return nullcontext(lambda count: None)


@pytest.fixture
def library(drawn_library: Path, tmp_path: Path, monkeypatch, backbone) -> Path:
    """Drawn pictures, whose features come from the backbone that needs no weights."""
    monkeypatch.setenv("BERLESE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(backbones, "load", lambda *args, **options: backbone)
    return drawn_library


def test_a_damaged_model_stays_and_one_beside_it_is_trained_and_used(
    survey: Survey, library: Path
) -> None:
    first, _ = model_for(survey, RunSettings(library=library), Silent())
    file = first.path / "arrays.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    for _ in range(2):  # trained, then found again
        again, _ = model_for(survey, RunSettings(library=library), Silent())
        assert again.path == first.path.with_name(f"{first.path.name}-2")
        assert again.bundle.hash == first.bundle.hash
        assert Bundle.load(again.path).hash == first.bundle.hash
        (note,) = again.notes
        assert note.startswith(f"{file}: is damaged")
        assert f"Used instead: {again.path}" in note
        assert f"{first.path} may be deleted" in note
    assert len(file.read_bytes()) == 100
    assert len(list(survey.models.iterdir())) == 2
    with pytest.raises(BundleError, match="is damaged"):
        model_for(survey, RunSettings(model=first.path), Silent())


def test_groups_that_cannot_serve_are_told(survey: Survey, library: Path) -> None:
    sheet = library.with_suffix(".csv")
    lines = [
        f"{path.relative_to(sheet.parent)},{path.parent.name},{number}"
        for number, path in enumerate(sorted(library.rglob("*.png")))
    ]
    sheet.write_text("\n".join(["file,taxon,photo", *lines]), encoding="utf-8")
    model, _ = model_for(survey, RunSettings(library=sheet, group="photo"), Silent())
    (note,) = model.notes
    assert note.startswith("Each picture has a group of its own")


def test_a_whole_model_is_used_again_without_a_word(survey: Survey, library: Path) -> None:
    first, _ = model_for(survey, RunSettings(library=library), Silent())
    again, _ = model_for(survey, RunSettings(library=library), Silent())
    assert (again.path, again.notes) == (first.path, ())
    assert len(list(survey.models.iterdir())) == 1
