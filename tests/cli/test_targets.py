"""Nothing that is there is written over unless that is asked for, and inputs never are."""

import pytest

from berlese.cli.targets import require_absent, require_new_files
from berlese.errors import SettingError


def test_what_is_there_is_kept_unless_told_otherwise(tmp_path):
    there, new = tmp_path / "a.csv", tmp_path / "b.csv"
    there.write_text("edited")
    require_absent([new], overwrite=False)
    require_absent([new, there], overwrite=True)
    with pytest.raises(SettingError, match=r"a\.csv exists; give --overwrite"):
        require_absent([new, there], overwrite=False)


def test_an_input_is_never_written_over(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"")
    with pytest.raises(SettingError, match=r"a\.png: is one of the inputs"):
        require_new_files([picture], [picture], overwrite=True)


def test_names_are_not_written_over_the_picture_that_they_are_of(bundle, library, berlese):
    picture = next(library.rglob("*.png"))
    before = picture.read_bytes()
    result = berlese("predict", bundle, picture, "--out", picture, "--overwrite")
    assert result.exit_code == 2
    assert "is one of the inputs" in result.output
    assert picture.read_bytes() == before


def test_an_evaluation_is_not_written_over_unless_told_so(bundle, library, berlese, tmp_path):
    (tmp_path / "by_taxon.csv").write_text("with notes of a person")
    words = ("evaluate", bundle, library, "--out", tmp_path)
    result = berlese(*words)
    assert result.exit_code == 2
    assert "by_taxon.csv exists; give --overwrite" in result.output
    assert (tmp_path / "by_taxon.csv").read_text() == "with notes of a person"
    assert berlese(*words, "--overwrite").exit_code == 0
    assert (tmp_path / "by_taxon.csv").read_text().startswith("taxon,")
    refused = berlese(*words, "--overwrite", "--folds", "99")
    assert refused.exit_code == 2
    assert "folds must be from 2 to 8" in refused.output
