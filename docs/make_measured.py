"""Draw the pictures of `how-to/measure.md` and `how-to/imaging.md`.

.venv/bin/python docs/make_measured.py            simulated photos
.venv/bin/python docs/make_measured.py PHOTO...   axis and width of the animals on photos,
                                                  as PHOTO.measured.jpg in this folder
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from berlese.photos.reading import open_photo
from berlese.photos.ruler import find_ruler
from berlese.photos.writing import write_jpeg
from berlese.simulate.lineup import simulate_lineup
from berlese.simulate.plans import TAXA
from berlese.simulate.rulers import lay_ruler
from berlese.specimens.crop import with_margin
from berlese.specimens.measure import measure
from berlese.specimens.segment import segment

IMAGES = Path(__file__).parent / "images"
SIDE = 260
COLUMNS = 6
AXIS, ACROSS, OUTLINE = (220, 40, 30), (30, 90, 220), (20, 150, 60)


def tile(photo, specimen):
    """One animal with its outline, the axis of its body, and a line of its width."""
    found = measure(specimen, photo)
    frame = with_margin(specimen.box, photo.width, photo.height)
    crop = photo.region(frame.left, frame.top, frame.width, frame.height)
    factor = SIDE / max(crop.shape[:2])
    picture = np.full((SIDE + 24, SIDE, 3), 255, np.uint8)
    drawn = cv2.resize(crop, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)

    def at(points):
        return [np.round((points - (frame.left, frame.top)) * factor * 16).astype(np.int32)]

    cv2.polylines(drawn, at(specimen.polygon), True, OUTLINE, 1, cv2.LINE_AA, 4)
    cv2.polylines(drawn, at(found.axis), False, AXIS, 2, cv2.LINE_AA, 4)
    middle, way = found.axis[4], found.axis[5] - found.axis[3]
    across = np.array([-way[1], way[0]]) / np.hypot(*way) * found.width_px / 2
    ends = np.array([middle - across, middle + across])
    cv2.polylines(drawn, at(ends), False, ACROSS, 2, cv2.LINE_AA, 4)
    drawn = drawn[:SIDE, :SIDE]
    picture[: drawn.shape[0], : drawn.shape[1]] = drawn
    words = f"{found.length_px:.0f} x {found.width_px:.0f}"
    cv2.putText(picture, words, (6, SIDE + 17), 0, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def sheet(photo, pixels):
    tiles = [tile(photo, specimen) for specimen in segment(pixels)]
    while len(tiles) % COLUMNS:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.hstack(tiles[k : k + COLUMNS]) for k in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def ruler_picture():
    lineup = simulate_lineup(5, TAXA[:6], columns=3, cell_px=300, longest_px=110)
    side = lineup.pixels.shape[0]
    laid = lay_ruler(
        lineup.pixels, middle=(side * 0.5, side * 0.84), angle_deg=-7, mm_per_pixel=0.1, n_long=6
    )
    ruler = find_ruler(laid)
    start, end = (np.round(point).astype(int).tolist() for point in (ruler.start, ruler.end))
    cv2.arrowedLine(laid, start, end, AXIS, 2, cv2.LINE_AA, tipLength=0.02)
    words = f"{ruler.ticks} ticks, {ruler.mm_per_pixel:.4f} mm per pixel"
    cv2.putText(laid, words, (start[0], start[1] - 30), 0, 0.7, AXIS, 2, cv2.LINE_AA)
    return laid[side // 4 :]


def faults_picture():
    pixels = simulate_lineup(3, TAXA, cell_px=230, longest_px=95).pixels
    middle = pixels.shape[0] // 2
    part = pixels[middle - 345 : middle - 115, middle - 230 : middle + 230]
    light = (part / 255.0) ** 2.2

    def shown(linear):
        return np.clip(255 * np.clip(linear, 0, 1) ** (1 / 2.2) + 0.5, 0, 255).astype(np.uint8)

    ramp = np.linspace(1, 0.15, part.shape[1])[None, :, None]
    pictures = {
        "as it should be": part,
        "out of focus": cv2.GaussianBlur(part, (0, 0), 3.5),
        "overexposed": shown(2.2 * light),
        "underexposed": shown(0.2 * light),
        "colour cast": shown(light * (1, 0.85, 0.6)),
        "uneven light": shown(light * ramp),
    }
    tiles = []
    for words, picture in pictures.items():
        framed = cv2.copyMakeBorder(picture, 0, 26, 0, 6, cv2.BORDER_CONSTANT, value=(255,) * 3)
        cv2.putText(framed, words, (6, part.shape[0] + 18), 0, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(framed)
    return np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])


def main(photos):
    if photos:
        for photo in photos:
            opened = open_photo(photo)
            write_jpeg(Path(photo.stem + ".measured.jpg"), sheet(opened, opened.pixels()))
        return
    IMAGES.mkdir(exist_ok=True)
    lineup = simulate_lineup(7, TAXA, cell_px=300, longest_px=130)
    write_jpeg(IMAGES / "measured.jpg", sheet(lineup, lineup.pixels), quality=80)
    write_jpeg(IMAGES / "ruler.jpg", ruler_picture(), quality=80)
    write_jpeg(IMAGES / "faults.jpg", faults_picture(), quality=80)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
