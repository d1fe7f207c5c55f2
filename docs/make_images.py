"""Draw the README's picture from a finished demo: outlines and names as the survey has them.

make demo && .venv/bin/python docs/make_images.py demo
"""

import sys
from pathlib import Path

import numpy as np

from berlese.photos.reading import open_photo
from berlese.photos.writing import write_jpeg
from berlese.specimens.outline import Box, Specimen
from berlese.specimens.overlay import draw_overlay
from berlese.survey.survey import Survey
from berlese.survey.tables import current_photos, in_force

SIDE = 1000


def main(folder: Path) -> None:
    with Survey.open(folder) as survey, survey.reading() as session:
        photo = session.scalars(current_photos()).first()
        specimens, names = [], []
        for row in photo.specimens:
            fractions = (row.x, row.y, row.width, row.height)
            box = Box.from_normalised(fractions, photo.width, photo.height)
            word = in_force(row.identifications)
            flags = ("unknown",) if word.status == "unknown" else ()
            specimens.append(Specimen(box, np.array(row.polygon), 0.0, row.score, flags))
            names.append("unknown" if word.status == "unknown" else word.taxon)
        pixels = open_photo(survey.absolute(photo.path)).shrunk(SIDE)
        overlay = draw_overlay(pixels, specimens, names, photo_width=photo.width)
    target = Path(__file__).parent / "images" / "segmented.jpg"
    target.parent.mkdir(exist_ok=True)
    write_jpeg(target, overlay, quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
