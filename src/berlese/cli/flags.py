"""Options of the verbs: those that several share, and those that take many words."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DEFAULT_BACKBONE = "efficientnet-lite2"
DEFAULT_HEAD = "linear"
DEFAULT_UNKNOWN_RATE = 0.05
DEFAULT_UNKNOWN_SCORE = "contrast"

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Threads and processes at a time; all cores by default.")
]
Learn = Annotated[
    bool | None,
    typer.Option(
        "--learn/--forget",
        help="Learn first from the survey's review what is an animal on its photos, or forget "
        "what was learned.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Survey = Annotated[Path, typer.Argument(help="Survey folder.", show_default=False)]
Photos = Annotated[
    list[Path],
    typer.Argument(help="Photos, or folders of photos.", show_default=False, readable=False),
]
Samples = Annotated[
    Path | None,
    typer.Option(
        help="CSV with a row a photo: photo, sample, site, date, latitude, longitude; other "
        "columns (sampling effort, habitat) come back in the tables. Without it, each photo is a "
        "sample, or each sub-folder of a folder that you give."
    ),
]
Taxon = Annotated[str, typer.Option(help="Column of the taxon, where the library is a CSV file.")]
Group = Annotated[
    str | None,
    typer.Option(
        help="Column of a CSV library whose rows belong together (one photo, say): "
        "they never fall on both sides of a split."
    ),
]
Backbone = Annotated[str, typer.Option(help="Feature extractor; `berlese backbones` lists them.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        help="File of weights for the backbone, where it needs one: Keras's .h5, or .pth or "
        ".safetensors."
    ),
]
Head = Annotated[
    str, typer.Option(help="Classifier: linear, network, or paper (the network, its settings).")
]
UnknownRate = Annotated[
    float,
    typer.Option(
        min=0.0, max=0.5, help="Share of animals of known taxa that may be called unknown."
    ),
]
UnknownScore = Annotated[
    str,
    typer.Option(
        help="How unknown animals are told: contrast (all animals of the survey together against "
        "the library), likeness (each for itself) or softmax (by the highest probability)."
    ),
]
UnknownThreshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="With --unknown-score softmax: call unknown what has a lower highest probability, "
        "instead of holding a rate (the published study used .95).",
    ),
]
ErrorRate = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        max=0.999,
        help="Name animals at the lowest rank that is sure enough for at most this share of wrong "
        "names. Holds for pictures like those that the model was calibrated on.",
    ),
]
Add = Annotated[
    Path | None,
    typer.Option(
        help="A library of more pictures, of new taxa or known ones, that the bundle shall learn "
        "as well; its backbone and head stay."
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Retrain on parts of this library instead: each picture is named by a model that has "
        "not seen its group.",
    ),
]
Audit = Annotated[
    bool,
    typer.Option(
        "--audit",
        help="Also list pictures whose name is doubtful, and near-duplicates: audit.html, "
        "audit.csv, duplicates.csv.",
    ),
]
Taxonomy = Annotated[
    Path | None,
    typer.Option(
        help="CSV with a row a taxon of the library and a column a higher rank (family, order); "
        "nested library folders tell it too."
    ),
]
MmPerPixel = Annotated[
    float | None,
    typer.Option(help="Scale of the photos; without it, what the files themselves state."),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Refuse photos with more pixels than this; without it, those over 2,000,000,000 that "
        "the survey did not accept before.",
    ),
]

MinLengthPx = Annotated[
    float | None,
    typer.Option(min=4, help="Smallest animal to report, in photo pixels; 16 without it."),
]
MinLengthMm = Annotated[
    float | None,
    typer.Option(help="Smallest animal to report, in millimetres, where the scale is known."),
]
Polarity = Annotated[
    Literal["auto", "dark", "light"],
    typer.Option(help="Animals darker or lighter than the ground; auto takes both."),
]
Dish = Annotated[
    str,
    typer.Option(
        help="Where animals lie: auto (inside the rim, if one is seen), whole (anywhere), or "
        "X,Y,RADIUS in shares of the photo's width."
    ),
]
