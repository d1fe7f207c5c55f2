"""The page opens offline, says what was found, and takes no name for markup."""

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from berlese.survey.adding import add_photos
from berlese.survey.report import write_report
from berlese.survey.segmenting import segment_photos
from berlese.survey.survey import Survey, SurveySettings
from berlese.survey.tables import Identification, Model, Specimen
from tests.drawing import dish, save
from tests.survey.conftest import copied

EVIL = '<script>alert("ü🪲")</script>'


class Links(HTMLParser):
    """Collects what a page would fetch, and its tags."""

    def __init__(self):
        super().__init__()
        self.fetched, self.tags, self.ids = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [v for k, v in attributes if k == "id"]
        self.fetched += [v for k, v in attributes if k in ("src", "href", "xlink:href") and v]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of two photos, one of them broken, with names made to hurt."""
    folder = tmp_path_factory.mktemp("report")
    good = save(folder / "photos" / "<b>dish & co.png", dish(1))
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG")
    with Survey.create(folder / "survey", SurveySettings(EVIL)) as survey:
        add_photos(survey, [good, folder / "photos" / "broken.png"])
        segment_photos(survey)
        with survey.writing() as session:
            session.add(
                Model(
                    id="m", rank="family", taxa=[EVIL], backbone="b", backbone_hash="h", training={}
                )
            )
            session.flush()
            for number, each in enumerate(session.scalars(select(Specimen))):
                status = "unknown" if number == 0 else "predicted"
                session.add(
                    Identification(
                        specimen_id=each.id,
                        taxon=EVIL,
                        rank="family",
                        probability=0.5 + number / 10,
                        status=status,
                        model_id="m",
                        identified_at="2026-01-01T00:00:00Z",
                    )
                )
        path = write_report(survey)
        first = path.read_bytes()
        assert write_report(survey).read_bytes() == first
    return first.decode("utf-8")


def parsed(page):
    parser = Links()
    parser.feed(page)
    return parser


def test_nothing_is_fetched_from_outside(page):
    fetched = parsed(page).fetched
    assert fetched
    assert all(each.startswith(("data:image/", "#")) for each in fetched)
    assert not re.search(r"url\((?!#)|@import", page)


def test_names_are_text_and_never_markup(page):
    tags = parsed(page).tags
    assert "script" not in tags
    assert "b" in tags  # the cards' own; none from the photo's name:
    assert "&lt;b&gt;dish &amp; co.png" in page
    assert "<b>dish" not in page


def test_every_animal_has_an_outline_and_a_picture(page):
    assert page.count('<polygon class="outline') == 4
    assert page.count("<img ") == 4
    assert page.count("<image ") == 1


def test_what_failed_is_said(page):
    assert "broken.png" in page


def test_animals_of_a_taxon_stand_from_sure_to_unsure(page):
    group = page[page.index("Animals by taxon") :]
    shown = [float(value) for value in re.findall(r"</div>(0\.\d\d)", group)]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 3


def test_an_unknown_animal_has_no_bar_and_its_probability_is_that_of_the_nearest_taxon(page):
    unknown = page[page.index('id="unknowns"') : page.index('id="imaging"')]
    assert unknown.count('id="animal-') == 1
    assert 'class="bar"' not in unknown
    assert re.search(r"nearest: &lt;script&gt;.* \(0\.50\)", unknown)


def test_every_link_inside_the_page_has_its_target(page):
    links = parsed(page)
    inner = {each[1:] for each in links.fetched if each.startswith("#") and "-" in each}
    assert {each for each in inner if each.startswith("animal-")} <= set(links.ids)
    assert sum(each.startswith("animal-") for each in inner) == 4
    assert "photo-1" in inner & set(links.ids)


def named(survey, taxon, status="predicted", person=None):
    """Say the same of every specimen."""
    with survey.writing() as session:
        session.merge(
            Model(id="m", rank="family", taxa=[taxon], backbone="b", backbone_hash="h", training={})
        )
        session.flush()
        for each in session.scalars(select(Specimen)):
            session.add(
                Identification(
                    specimen_id=each.id,
                    taxon=taxon,
                    rank="family",
                    probability=None if person else 0.9,
                    status=status,
                    model_id=None if person else "m",
                    identified_by=person,
                    identified_at="2026-01-01T00:00:00Z",
                )
            )


@pytest.fixture(scope="session")
def found_once(tmp_path_factory):
    """Folder of one photo with two animals, and of a survey of them, not named yet."""
    folder = tmp_path_factory.mktemp("found")
    with Survey.create(folder / "survey") as survey:
        add_photos(survey, [save(folder / "photos" / "dish.png", dish(1, 2))])
        segment_photos(survey)
    return folder


@pytest.fixture
def found(found_once, tmp_path):
    """That survey, to be changed at will."""
    with copied(found_once, tmp_path) as survey:
        yield survey


def test_a_survey_without_photos_gives_a_page_that_says_so(survey):
    text = write_report(survey).read_text(encoding="utf-8")
    assert "There is no photo in this survey yet." in text


@pytest.mark.parametrize("taxon", [r"$\frac$", "$x", "photos", "a\nb", "]]>", "{{ 7 * 7 }}"])
def test_no_name_breaks_the_page(found, taxon):
    named(found, taxon)
    text = write_report(found).read_text(encoding="utf-8")
    assert text.count('<polygon class="outline') == 2
    assert "49" not in parsed_text(text)


class Words(HTMLParser):
    """Collects what a person reads in the groups of animals."""

    def __init__(self):
        super().__init__()
        self.words = []

    def handle_data(self, data):
        self.words.append(data)


def parsed_text(page):
    words = Words()
    words.feed(page[page.index('id="animals"') : page.index('id="failures"')])
    return "".join(words.words)


def test_animals_without_a_name_are_shown_as_unknown(found):
    shown = parsed_text(write_report(found).read_text(encoding="utf-8"))
    assert "unknown (2)" in shown
    assert "not named" in shown


def test_a_person_is_named_beside_what_they_said(found):
    named(found, "Ptiliidae")
    named(found, "Leiodidae", "validated", person="Anna <x>")
    text = write_report(found).read_text(encoding="utf-8")
    assert "Leiodidae (2)" in parsed_text(text)
    assert "validated by Anna &lt;x&gt;" in text


def test_discarded_animals_are_neither_named_nor_shown_among_the_taxa(found):
    named(found, "Ptiliidae")
    named(found, None, "discarded", person="Anna")
    text = write_report(found).read_text(encoding="utf-8")
    assert "No animal was found." in parsed_text(text)
    assert text.count("outline discarded") == 2


def test_the_table_of_the_page_has_a_row_a_site_and_their_sum(found):
    named(found, "Ptiliidae")
    text = write_report(found).read_text(encoding="utf-8")
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert [row.count("<td") for row in table.split("</tr>")[:-1]] == [4, 4]
    assert re.findall(r">(\w*)</(?:th|td)>", table.split("</tr>")[1]) == ["All", "", "2", "0", "2"]


def test_a_photo_that_is_gone_is_said_and_the_page_is_made(found, tmp_path):
    (tmp_path / "photos" / "dish.png").unlink()
    text = write_report(found).read_text(encoding="utf-8")
    assert "the photo is no longer at" in text
    assert "<image " not in text


def test_the_truth_is_shown_where_it_is_known(found):
    truth = {
        "specimens": 2, "precision": 1.0, "recall": 0.5, "accuracy": 0.25, "count_error": 0.125,
    }  # fmt: skip
    text = write_report(found, truth=truth).read_text(encoding="utf-8")
    assert "a precision of 1.000 and a recall of 0.500" in text
    assert "25.0 %" in text
    assert "12.5 %" in text
    assert "Against the truth" not in write_report(found).read_text(encoding="utf-8")


def test_flags_are_said_in_words(found):
    with found.writing() as session:
        for each in session.scalars(select(Specimen)):
            each.flags, each.several = ["touches_edge", "several"], 0.724
    named(found, "Ptiliidae")
    text = write_report(found).read_text(encoding="utf-8")
    assert text.count("cut by the edge, perhaps several animals (72 %)</span>") == 2
    assert "[cut by the edge, perhaps several animals (72 %)]" in text


def test_figures_and_headings_read_as_meant(found):
    named(found, "Ptiliidae")
    with found.writing() as session:
        session.get_one(Model, "m").rank = "taxon"
        session.get_one(Model, "m").training = {"notes": ["unknowns are judged"]}
    text = write_report(found).read_text(encoding="utf-8")
    assert "<td>1.0</td><td>1.000</td>" in text  # Chao1 and coverage
    assert "<h3>No scale</h3>" in text
    assert "with <code>--mm-per-pixel</code>" in text
    assert "1 taxa, backbone" in text
    assert "Unknowns are judged. " in text
