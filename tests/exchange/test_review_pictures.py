"""The pictures of a review sheet: every animal by its row, nothing taken for markup."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from berlese.exchange.review_pictures import write_review_pictures
from berlese.photos.writing import write_png
from berlese.survey.reviewing import Animal
from berlese.survey.tables import Identification


def animal(crop: Path, taxon: str | None, status: str = "predicted") -> Animal:
    word = Identification(taxon=taxon, probability=0.75, status=status)
    return Animal(crop.stem, "S<1>", "photos/a & b.jpg", 3, crop, "0" * 64, word, None)


def test_the_page_shows_each_animal_by_its_row_and_needs_no_other_file(tmp_path: Path) -> None:
    write_png(tmp_path / "here.png", np.zeros((8, 8, 3), np.uint8))
    animals = [animal(tmp_path / "here.png", "<b>Carabidae"), animal(tmp_path / "gone.png", None)]
    page = write_review_pictures(tmp_path / "review.csv", animals)
    assert page == tmp_path / "review.html"
    text = page.read_text(encoding="utf-8")
    assert "<b>2</b>" in text
    assert "<b>3</b>" in text
    assert text.count("data:image/png;base64,") == 1
    assert "picture is gone" in text
    assert "&lt;b&gt;Carabidae" in text
    assert 'src="/' not in text
    assert "http" not in text


def test_the_page_says_which_pictures_perhaps_show_several_animals(tmp_path: Path) -> None:
    one = animal(tmp_path / "gone.png", "Carabidae")
    animals = [replace(one, several=several) for several in (None, 0.4, 0.724)]
    text = write_review_pictures(tmp_path / "review.csv", animals).read_text(encoding="utf-8")
    assert text.count("perhaps several animals") == 1
    assert "perhaps several animals (72 %): see <code>berlese cut</code>" in text


def test_the_page_calls_the_nearest_taxon_of_an_unknown_animal_so(tmp_path: Path) -> None:
    animals = [
        animal(tmp_path / "gone.png", "Carabidae", status) for status in ("unknown", "dubious")
    ]
    text = write_review_pictures(tmp_path / "review.csv", animals).read_text(encoding="utf-8")
    assert text.count("unknown (nearest: Carabidae, 0.75)") == 2
