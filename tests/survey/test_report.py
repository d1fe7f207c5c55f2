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

EVIL = '<script>alert("ü🪲")</script>'


class Links(HTMLParser):
    """Collects what a page would fetch, and its tags."""

    def __init__(self):
        super().__init__()
        self.fetched, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
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
    assert shown[:3] == sorted(shown[:3], reverse=True)
    assert len(shown) == 4
