"""Libraries: folders, CSV files and surveys."""

from collections import Counter
from pathlib import Path

import pytest

from berlese.errors import LibraryError
from berlese.survey.library import group_notes, read_library
from tests.drawing import dish, save


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four pictures in two folders of taxa, and one in none."""
    folder = tmp_path / "library"
    for name in ("Carabidae/1.png", "Carabidae/2.png", "Staphylinidae/1.png", "stray.png"):
        save(folder / name, dish(1))
    return folder


def csv_of(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_folders_bear_the_names_and_their_ending_the_rank(pictures: Path) -> None:
    library = read_library(pictures)
    assert library.labels == ("Carabidae", "Carabidae", "Staphylinidae")
    assert [path.name for path in library.paths] == ["1.png", "2.png", "1.png"]
    assert library.groups is None
    assert library.rank == "family"
    assert [Path(failure.file).name for failure in library.failures] == ["stray.png"]


def test_nested_folders_are_higher_taxa(tmp_path: Path) -> None:
    for name in ("Coleoptera/Carabidae/1.png", "Coleoptera/2.png", "Diptera/3.png"):
        save(tmp_path / name, dish(1))
    library = read_library(tmp_path)
    assert Counter(library.labels) == Counter(["Carabidae", "Coleoptera", "Diptera"])
    assert library.parents["Carabidae"] == ("Coleoptera",)
    assert library.rank == "taxon"
    assert read_library(tmp_path, taxon="order").rank == "order"


def test_a_folder_that_is_no_taxon_is_refused(tmp_path: Path) -> None:
    for name in ("Carabidae/batch1/1.png", "Staphylinidae/batch1/1.png"):
        save(tmp_path / name, dish(1))
    with pytest.raises(LibraryError, match=r"'batch1' stands under 'Carabidae'"):
        read_library(tmp_path)


def test_names_with_split_accents_are_the_same_taxon(tmp_path: Path) -> None:
    save(tmp_path / "1.png", dish(1))
    save(tmp_path / "2.png", dish(2))
    text = "file,taxon\n1.png,K\u00e4fer\n2.png, Ka\u0308fer \n"
    assert set(read_library(csv_of(tmp_path, text)).labels) == {"K\u00e4fer"}


def test_names_that_differ_by_case_only_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", dish(number))
    text = "file,taxon\n0.png,Carabidae\n1.png,carabidae\n2.png,Carabidae\n"
    wanted = r"'Carabidae' \(2 pictures\) and 'carabidae' \(1\) differ by case only"
    with pytest.raises(LibraryError, match=wanted):
        read_library(csv_of(tmp_path, text))


def test_a_csv_names_files_taxa_and_groups(pictures: Path) -> None:
    text = (
        "\ufeffFile;Family;photo\nCarabidae/1.png;Carabidae;p1\nCarabidae\\2.png; Carabidae ;p1\n"
        "Staphylinidae/1.png;Staphylinidae;\nstray.png;;p2\nnone.png;Carabidae;p2\n"
        "Carabidae/1.png;Staphylinidae;p1\n"
    )
    library = read_library(csv_of(pictures, text), taxon="family", group="photo")
    assert library.labels == ("Carabidae", "Carabidae", "Staphylinidae")
    assert library.groups is not None
    assert library.groups[:2] == ("p1", "p1")
    assert library.groups[2] not in {"p1", "p2", ""}
    assert library.rank == "family"
    assert library.skipped == 1
    reasons = [failure.reason for failure in library.failures]
    assert "line 6: the file does not exist" in reasons[0]
    assert "line 7: is listed already, as 'Carabidae'" in reasons[1]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("file,order\n1.png,X\n", {"taxon": "family"}, "no column 'family' (--taxon)"),
        ("file,taxon\n1.png,X\n", {"group": "photo"}, "no column 'photo' (--group)"),
        ("picture,taxon\n1.png,X\n", {}, "no column 'file'"),
        ("file,taxon\n", {}, "no rows"),
        ("file,taxon\n1.png,\n", {}, "none of its 1 entries has a name"),
        ("file,taxon\n1.png,X\n", {}, "does not exist"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(LibraryError) as caught:
        read_library(csv_of(tmp_path, text), **options)
    assert message in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="empty: expected folders named after taxa"):
        read_library(tmp_path)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="does not exist"):
        read_library(tmp_path / "nothing")


def test_groups_are_refused_where_there_is_no_column(pictures: Path) -> None:
    with pytest.raises(LibraryError, match="only a CSV library"):
        read_library(pictures, group="photo")


def test_the_real_manifest_is_read_as_its_readme_says(shared_data: Path) -> None:
    manifest = shared_data / "insects" / "manifest.csv"
    library = read_library(manifest, taxon="family", group="photo")
    assert len(library.paths) == 523
    assert len(set(library.labels)) == 7
    assert library.skipped == 4245 - 523
    assert not library.failures
    assert read_library(shared_data / "insects" / "web").rank == "taxon"
    orders = Counter(read_library(shared_data / "insects" / "web").labels)
    assert set(orders.values()) == {350}
    assert len(orders) == 5


@pytest.mark.parametrize("word", ["unknown", "No animal", "Discarded", "predicted"])
def test_words_that_tables_use_are_no_taxa(tmp_path: Path, word: str) -> None:
    for taxon in ("Carabidae", word):
        save(tmp_path / taxon / "1.png", dish(1))
    with pytest.raises(LibraryError, match=f"'{word}' cannot be a taxon"):
        read_library(tmp_path)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["", "", "", ""], ["No row has a group"]),
        (["p", "p", "p", "p"], ["All pictures are of one group"]),
        (["p", "q", "r", "s"], ["Each picture has a group of its own"]),
        (["p", "p", "q", "q"], ["There are 2 groups"]),
        (["p", "p", "", "q"], ["1 of 4 rows have no group", "There are 3 groups"]),
    ],
)
def test_groups_that_cannot_serve_are_told(
    tmp_path: Path, groups: list[str], words: list[str]
) -> None:
    rows = ["file,taxon,photo"]
    for number, group in enumerate(groups):
        save(tmp_path / f"{number}.png", dish(1))
        rows.append(f"{number}.png,Carabidae,{group}")
    (tmp_path / "library.csv").write_text("\n".join(rows), encoding="utf-8")
    notes = group_notes(read_library(tmp_path / "library.csv", group="photo"))
    assert [note.startswith(each) for note, each in zip(notes, words, strict=True)] == [
        True for _ in words
    ]
    assert group_notes(read_library(tmp_path / "library.csv")) == []
