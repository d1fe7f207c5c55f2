"""What is written must be what pycocotools, the format's own reader, understands."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from berlese.errors import ExchangeFormatError
from berlese.exchange.coco import CocoPhoto, CocoSpecimen, read_coco, write_coco
from berlese.specimens.outline import Box

TRIANGLE = np.array([[10.0, 20.0], [50.0, 20.0], [10.0, 50.0]])


@pytest.fixture
def photos():
    mask = np.zeros((4, 3), bool)
    mask[1:, 1] = True
    return [
        CocoPhoto(
            "dish <ü>.jpg",
            100,
            80,
            (
                CocoSpecimen(Box(10, 20, 50, 50), "Carabidae", TRIANGLE, score=0.5),
                CocoSpecimen(Box(90, 70, 93, 74), "Ptiliidae", mask=mask, flags=("blurred",)),
            ),
        ),
        CocoPhoto("empty.jpg", 30, 20),
    ]


def load_with_pycocotools(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_reads_boxes_names_and_areas(photos, tmp_path):
    write_coco(tmp_path / "a.json", photos, description="test")
    coco = load_with_pycocotools(tmp_path / "a.json")
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == [
        "dish <ü>.jpg",
        "empty.jpg",
    ]
    triangle, beetle = coco.loadAnns(coco.getAnnIds())
    assert triangle["bbox"] == [10, 20, 40, 30]
    assert triangle["area"] == 600  # half of 40 x 30
    assert beetle["area"] == 3
    names = [coco.loadCats(row["category_id"])[0]["name"] for row in (triangle, beetle)]
    assert names == ["Carabidae", "Ptiliidae"]


# pycocotools has not followed NumPy 2's protocol for copies yet.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_decodes_the_exact_mask(photos, tmp_path):
    write_coco(tmp_path / "a.json", photos, description="test")
    coco = load_with_pycocotools(tmp_path / "a.json")
    decoded = coco.annToMask(coco.loadAnns(coco.getAnnIds())[1]).astype(bool)
    expected = np.zeros((80, 100), bool)
    expected[71:74, 91] = True
    np.testing.assert_array_equal(decoded, expected)


@given(
    mask=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)),
    left=st.integers(0, 5),
    top=st.integers(0, 5),
)
def test_masks_survive_the_round_trip_and_agree_with_pycocotools(mask, left, top, tmp_path_factory):
    path = tmp_path_factory.mktemp("coco") / "a.json"
    height, width = mask.shape
    box = Box(left, top, left + width, top + height)
    write_coco(path, [CocoPhoto("a", 12, 13, (CocoSpecimen(box, mask=mask),))], description="")
    (photo,) = read_coco(path)
    np.testing.assert_array_equal(photo.specimens[0].mask, mask)
    row = json.loads(path.read_text())["annotations"][0]
    packed = coco_mask.frPyObjects(row["segmentation"], 13, 12)
    assert coco_mask.area(packed) == mask.sum()


def test_photos_survive_the_round_trip(photos, tmp_path):
    write_coco(tmp_path / "a.json", photos, description="test")
    back = read_coco(tmp_path / "a.json")
    assert [(p.file_name, p.width, p.height) for p in back] == [
        ("dish <ü>.jpg", 100, 80),
        ("empty.jpg", 30, 20),
    ]
    triangle, beetle = back[0].specimens
    assert (triangle.box, triangle.category, triangle.score) == (
        Box(10, 20, 50, 50),
        "Carabidae",
        0.5,
    )
    np.testing.assert_allclose(triangle.polygon, TRIANGLE)
    assert beetle.flags == ("blurred",)
    assert back[1].specimens == ()


def test_the_same_animals_give_the_same_bytes(photos, tmp_path):
    write_coco(tmp_path / "a.json", photos, description="test")
    write_coco(tmp_path / "b.json", photos, description="test")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_real_hand_boxes_are_read(shared_data):
    photos = read_coco(shared_data / "bulk" / "bark-beetles.coco.json")
    assert len(photos) == 6
    assert sum(len(photo.specimens) for photo in photos) == 37
    assert photos[0].specimens[0].box == Box(473, 578, 612, 727)


@pytest.mark.parametrize(
    "text",
    ["not json", "[]", "{}", '{"images": [], "annotations": [{}], "categories": []}'],
)
def test_a_damaged_file_is_refused_by_name(text, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ExchangeFormatError, match=r"broken\.json.*COCO"):
        read_coco(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ExchangeFormatError, match=r"nowhere\.json"):
        read_coco(tmp_path / "nowhere.json")
