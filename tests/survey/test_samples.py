"""Samples from sheets and from folders."""

import unicodedata
from pathlib import Path

import pytest

from berlese.errors import SampleSheetError
from berlese.survey.samples import SampleInfo, read_sample_sheet, samples_from_folders


def sheet_of(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "samples.csv"
    path.write_bytes(text.encode(encoding))
    return path


FULL = SampleInfo("S1", "Moor", None, "2026-05-31", 47.5, -8.25)


HEADER = "photo,sample,site,date,latitude,longitude"
ROW = "a.jpg,S1,Moor,2026-05-31,47.5,-8.25"
DARWIN_CORE = "photo,eventID,locationID,eventDate,decimalLatitude,decimalLongitude"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(f"{HEADER}\n{ROW}\n", "utf-8", id="plain"),
        pytest.param(f"{HEADER.upper()}\r\n{ROW}", "utf-8", id="upper case"),
        pytest.param(
            f"{HEADER}\r{ROW}\r".replace(",", " , "), "utf-8", id="spaces and old line ends"
        ),
        pytest.param(
            f"{HEADER}\n{ROW}".replace(",", ";").replace("47.5", "47,5"), "utf-8", id="semicolons"
        ),
        pytest.param(f"{HEADER}\n{ROW}".replace(",", "\t"), "utf-16", id="utf-16 with tabs"),
        pytest.param(f"{DARWIN_CORE}\n{ROW}", "utf-8-sig", id="Darwin Core with byte order mark"),
        pytest.param(f"\n,,\n{HEADER},\n\n{ROW},\n,,,\n", "utf-8", id="blank rows and columns"),
        pytest.param(f'{HEADER},notes\n{ROW},"wet,\nand windy"\n', "utf-8", id="quoted note"),
    ],
)
def test_a_sheet_means_the_same_however_it_is_written(
    tmp_path: Path, text: str, encoding: str
) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, text, encoding))
    assert [(row.photo, row.sample) for row in sheet.rows] == [("a.jpg", FULL)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty"]),
        ("photo,sample\n", ["no rows"]),
        ("picture,sample\na.jpg,S1\n", ["no column 'photo'", "'picture'"]),
        ("photo,site\na.jpg,S1\n", ["no column 'sample'"]),
        ("photo,file,sample\na.jpg,a.jpg,S1\n", ["several columns for photo"]),
        ("photo,sample\na.jpg,S1\nb.jpg,\n", ["line 3", "sample is empty"]),
        ("photo,sample,lat,lon\na.jpg,S1,91,0\n", ["line 2", "latitude is '91'", "-90 to 90"]),
        ("photo,sample,lat,lon\na.jpg,S1,1,east\n", ["line 2", "longitude is 'east'"]),
        ("photo,sample,lat,lon\na.jpg,S1,nan,0\n", ["line 2", "latitude is 'nan'"]),
        ("photo,sample,lat,lon\na.jpg,S1,47,\n", ["line 2", "or neither"]),
        ("photo,sample,date\na.jpg,S1,5/1/2026\n", ["line 2", "'5/1/2026'", "YYYY-MM-DD"]),
        ("photo,sample,date\na.jpg,S1,5/1/2026\n", ["can be 2026-01-05 or 2026-05-01"]),
        ("photo,sample,date\na.jpg,S1,31/02/2026\n", ["'31/02/2026'", "is no day"]),
        ("photo,sample,date\na.jpg,S1,31/05/26\n", ["'31/05/26'", "YYYY-MM-DD"]),
        ("photo,sample,lat,lon\na.jpg,S1,4_8,0\n", ["line 2", "latitude is '4_8'"]),
        ("photo,sample,lat,lon\na.jpg,S1,1,8-\n", ["line 2", "longitude is '8-'"]),
        ("photo,sample,lat,lon\na.jpg,S1,1,inf\n", ["line 2", "longitude is 'inf'"]),
        ("photo,sample,date\na.jpg,S1,31.2.2026\n", ["line 2", "'31.2.2026'"]),
        ("photo,sample,date\na.jpg,S1,2026-06-01/2026-05-01\n", ["ends before it begins"]),
        ("photo,sample,date\na.jpg,S1,2026-02-30\n", ["line 2", "'2026-02-30'"]),
        ("photo,sample,site\na.jpg,S1,A\nb.jpg,S2,B\nc.jpg,S1,B\n",
         ["lines 2 and 4", "sample 'S1'", "'A' and 'B'"]),
    ],
)  # fmt: skip
def test_a_wrong_sheet_is_refused_with_line_and_value(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    with pytest.raises(SampleSheetError) as caught:
        read_sample_sheet(sheet_of(tmp_path, text))
    for part in ["samples.csv", *parts]:
        assert part in str(caught.value)


@pytest.mark.parametrize("minus", ["-", "\N{MINUS SIGN}", "\N{EN DASH}"])
def test_degrees_may_have_any_minus_and_a_comma(tmp_path: Path, minus: str) -> None:
    sheet = sheet_of(tmp_path, f"photo;sample;lat;lon\na.jpg;S1;{minus}47,5;{minus}8.25e-1\n")
    sample = read_sample_sheet(sheet).rows[0].sample
    assert (sample.latitude, sample.longitude) == (-47.5, -0.825)


@pytest.mark.parametrize("content", [b"photo,sample\na.jpg,\xff\n", b"\x89PNG\0\0\0,"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "samples.csv").write_bytes(content)
    with pytest.raises(SampleSheetError, match=r"samples\.csv"):
        read_sample_sheet(tmp_path / "samples.csv")


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("31.5.2026", "2026-05-31"),
        ("01.05.2026", "2026-05-01"),
        ("31/05/2026", "2026-05-31"),
        ("5/31/2026", "2026-05-31"),
        ("5/5/2026", "2026-05-05"),
        ("1.5.2026/8.5.2026", "2026-05-01/2026-05-08"),
        ("2026-05-31 12:30", "2026-05-31T12:30"),
        ("2026-05-31T12:30:00+02:00", "2026-05-31T12:30:00+02:00"),
    ],
)
def test_dates_of_spreadsheets_become_iso(tmp_path: Path, written: str, date: str) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, f"photo;sample;date\na.jpg;S1;{written}\n"))
    assert sheet.rows[0].sample.date == date


def test_what_one_row_says_of_a_sample_holds_for_its_others(tmp_path: Path) -> None:
    text = (
        "photo,sample,site,date,lat,lon\na.jpg,S1,,,,\n"
        'b.jpg,S1,Moor,2026-05-31,"47,5","-8,25"\nc.jpg,S1,,,,\n'
    )
    sheet = read_sample_sheet(sheet_of(tmp_path, text))
    assert [row.sample for row in sheet.rows] == [FULL] * 3


def test_split_accents_in_names_of_files_do_not_matter(tmp_path: Path) -> None:
    photo = tmp_path / unicodedata.normalize("NFD", "Hübel") / unicodedata.normalize("NFD", "ä.jpg")
    for written in (
        "Hübel/ä.jpg",
        "ä.jpg",
        "ä",
        "Ä.JPG",
        unicodedata.normalize("NFD", "hübel/ä.jpg"),
    ):
        sheet = read_sample_sheet(sheet_of(tmp_path, f"photo,sample\n{written},S1\n"))
        assert sheet.assign([photo]) == {photo: SampleInfo("S1", "S1")}


def test_rows_that_mean_no_photo_are_shown_where_a_photo_has_none(tmp_path: Path) -> None:
    text = "photo,sample\nC:\\Users\\Eva\\a.jpg,S1\n"
    sheet = read_sample_sheet(sheet_of(tmp_path, text))
    with pytest.raises(
        SampleSheetError, match=r"mean no photo: line 2 \('C:.*a\.jpg'; perhaps 'a\.jpg'\);"
    ):
        sheet.assign([tmp_path / "a.jpg"])


def test_a_row_that_means_no_photo_is_told_with_the_name_that_is_nearly_so(tmp_path: Path) -> None:
    text = "photo,sample\nplot_1.jpg,S1\nsub/plto_2,S1\nrock.jpg,S1\nplot-3.JPG,S2\n"
    sheet = read_sample_sheet(sheet_of(tmp_path, text))
    photos = [tmp_path / f"plot_{number}.jpg" for number in (1, 2, 3)]
    assert sheet.idle_rows(photos) == [
        "line 3 ('sub/plto_2'; perhaps 'plot_2.jpg')",
        "line 5 ('plot-3.JPG'; perhaps 'plot_3.jpg')",
        "line 4 ('rock.jpg')",
    ]


def test_a_photo_that_has_a_row_is_offered_to_no_other(tmp_path: Path) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, "photo,sample\nIMG_1.jpg,S1\nIMG_2.jpg,S1\n"))
    assert sheet.idle_rows([tmp_path / "IMG_1.jpg"]) == ["line 3 ('IMG_2.jpg')"]


@pytest.mark.parametrize("date", ["2026", "2026-05", "2026-05-31", "2026-05-01/2026-05-08"])
def test_dates_may_be_coarse_or_intervals(tmp_path: Path, date: str) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, f"photo,sample,date\na.jpg,S1,{date}\n"))
    assert sheet.rows[0].sample.date == date


@pytest.mark.parametrize(
    "written", ["one/a.jpg", "./one/a.jpg", "one\\a.jpg", "a.jpg", "A.JPG", "a"]
)
def test_a_row_finds_its_photo_by_path_name_or_stem(tmp_path: Path, written: str) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, f"photo,sample\n{written},S1\n"))
    photo = tmp_path / "one" / "a.jpg"
    assert sheet.assign([photo]) == {photo: SampleInfo("S1", "S1")}


def test_photos_of_one_name_are_told_apart_by_folder(tmp_path: Path) -> None:
    photos = [tmp_path / "one" / "a.jpg", tmp_path / "two" / "a.jpg"]
    sheet = read_sample_sheet(sheet_of(tmp_path, "photo,sample\none/a.jpg,S1\ntwo/a.jpg,S2\n"))
    assert [info.id for info in sheet.assign(photos).values()] == ["S1", "S2"]
    vague = read_sample_sheet(sheet_of(tmp_path, "photo,sample\na.jpg,S1\n"))
    with pytest.raises(SampleSheetError, match=r"line 2.*could be any of"):
        vague.assign(photos)


def test_a_photo_without_a_row_is_refused_by_name(tmp_path: Path) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, "photo,sample\na.jpg,S1\n"))
    with pytest.raises(SampleSheetError, match=r"1 of 2 photos.*b\.jpg"):
        sheet.assign([tmp_path / "a.jpg", tmp_path / "b.jpg"])


def test_a_photo_in_two_samples_is_refused(tmp_path: Path) -> None:
    sheet = read_sample_sheet(sheet_of(tmp_path, "photo,sample\na.jpg,S1\na.jpg,S2\n"))
    with pytest.raises(SampleSheetError, match="lines 2 and 3"):
        sheet.assign([tmp_path / "a.jpg"])


def test_sub_folders_are_samples_and_their_parents_sites() -> None:
    root = Path("/photos")
    given = [
        (root / "moor" / "s1" / "a.jpg", root),
        (root / "moor" / "s1" / "b.jpg", root),
        (root / "wood" / "c.jpg", root),
        (root / "d.jpg", root),
        (Path("/elsewhere/e.jpg"), None),
    ]
    samples = samples_from_folders(given)
    assert [(s.id, s.site) for s in samples.values()] == [
        ("moor/s1", "moor"),
        ("moor/s1", "moor"),
        ("wood", "wood"),
        ("d", "d"),
        ("e", "e"),
    ]


def test_photos_of_one_name_are_samples_of_their_own() -> None:
    photos = [Path("/x/1/a.jpg"), Path("/x/2/a.jpg"), Path("/y/2/a.jpg"), Path("/x/3/b.jpg"),
              Path("/x/3/b.png")]  # fmt: skip
    samples = samples_from_folders([(photo, None) for photo in photos], taken={"1/a"})
    names = [samples[photo].id for photo in photos]
    assert len(set(names)) == 5
    assert names[3:] == ["3/b.jpg", "3/b.png"]
    assert "1/a" not in names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("photo,sample,site\na.jpg,S1,Forest, north\n", "line 2: has more cells than the header"),
        ('photo,sample\na.jpg,"S1\nb.jpg,S2\n', "double quote left open"),
    ],
)
def test_cells_are_never_dropped_or_swallowed(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "samples.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SampleSheetError, match=words):
        read_sample_sheet(tmp_path / "samples.csv")


def test_excels_own_word_on_the_delimiter_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("sep=;\nphoto;sample\na.jpg;S,1\n", encoding="utf-8")
    assert [row.sample.id for row in read_sample_sheet(path).rows] == ["S,1"]
