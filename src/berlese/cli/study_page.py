"""The page of a study: one HTML file that opens offline, in the paper's order."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from berlese.cli.pages import render_page
from berlese.photos.thumbnails import data_uri
from berlese.photos.writing import write_text_atomic
from berlese.study.analysis import Analysis, mean_rejection
from berlese.study.figures import model_in_words
from berlese.study.plans import Plan, StudySettings
from berlese.study.statistics import BY_TARGET

PAGE_NAME = "study.html"
SECTIONS = {
    "The data": ("table_s1", "figure_s2"),
    "Within data sets, by locality and between data sets": ("figure_2", "table_s3"),
    "Taxa": ("figure_3",),
    "Unknowns": ("figure_4",),
    "Loss between data sets": ("figure_5", "table_s4"),
    "Adaptation": ("figure_6", "figure_s"),
}


def write_page(
    out: Path,
    plates: Sequence[tuple[str, str, str]],
    plan: Plan,
    settings: StudySettings,
    analysis: Analysis,
    context: Mapping[str, Any],
) -> Path:
    """Write study.html into `out` and return its path.

    Parameters
    ----------
    out : Path
        Holds the figures of the plates.
    plates : sequence of (str, str, str)
        Name, title and caption of each.
    plan, settings, analysis
        What ran, and what came out.
    context : mapping
        Backbone, version, numbers of pictures.
    """
    page = render_page(
        "study.html.j2",
        title=", ".join(context["libraries"]),
        sections=_sections(out, plates),
        plan=plan,
        settings=settings,
        context=context,
        notes=analysis.notes,
        headline=_headline(analysis),
        adaptation=_adaptation(analysis),
        rejection=_rejection(analysis, plan),
        spearman=_spearman(analysis),
        tuning=_shown(
            analysis.tuning.assign(best=analysis.tuning["best"].map({True: "yes", False: ""})),
            {"accuracy": 3, "sd": 3},
        ),
        leakage=_leakage(analysis),
        duplicates=len(analysis.duplicates),
        lambda_by_target=(analysis.weights["rule"] == BY_TARGET).any(),
        weights=_weights(analysis),
    )
    path = out / PAGE_NAME
    write_text_atomic(path, page)
    return path


def _sections(
    out: Path, plates: Sequence[tuple[str, str, str]]
) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Plates by section, each with its SVG as a data URI; figures past S2 are adaptations."""
    place = {name: section for section, names in SECTIONS.items() for name in names}
    found: dict[str, list[tuple[str, str, str, str]]] = {section: [] for section in SECTIONS}
    for name, title, caption in plates:
        svg = (out / "figures" / f"{name}.svg").read_bytes()
        uri = data_uri(svg, "svg+xml")
        found[place.get(name, "Adaptation")].append((name, title, caption, uri))
    return [(section, shown) for section, shown in found.items() if shown]


def _headline(analysis: Analysis) -> pd.DataFrame:
    """Accuracy at the largest size of each protocol, pair and model."""
    keys = ["protocol", "source", "target", "model"]
    last = analysis.means.groupby(keys, sort=False).tail(1)
    columns = {
        "protocol": "protocol",
        "source": "source",
        "target": "target",
        "model": "model",
        "n_train": "images",
        "acc_source": "on source",
        "acc_target": "on target",
        "acc_target_sd": "sd",
        "acc_target_max": "best",
        "balanced_target": "balanced",
        "delta": "reduction",
    }
    table = last[list(columns)].rename(columns=columns)
    table["model"] = table["model"].map(model_in_words)
    digits = dict.fromkeys(("on source", "on target", "sd", "best", "balanced", "reduction"), 3)
    return _shown(table, {"images": 0} | digits)


def _adaptation(analysis: Analysis) -> pd.DataFrame:
    """Effect of each DANN: its paired difference over all sizes, and the regression's."""
    if analysis.paired.empty:
        return pd.DataFrame()
    paired = analysis.paired[analysis.paired["n_train"] == 0]
    table = paired.drop(columns="n_train")
    if len(analysis.regression):
        regression = analysis.regression
        of_model = regression[
            (regression["term"] == "model") & (regression["response"] == "acc_target")
        ]
        effect = of_model.set_index(["source", "target", "model"])[["estimate", "p"]]
        effect = effect.rename(columns={"estimate": "regression", "p": "p (regression)"})
        table = table.join(effect, on=["source", "target", "model"])
    table["model"] = table["model"].map(model_in_words)
    names = {
        "p_t": "p (t)",
        "p_corrected": "p (corrected t)",
        "p_wilcoxon": "p (Wilcoxon)",
    }
    digits = {"difference": 3, "low": 3, "high": 3, "regression": 3}
    tests = dict.fromkeys((*names.values(), "p (regression)"), 4)
    return _shown(table.rename(columns=names), digits | tests)


def _rejection(analysis: Analysis, plan: Plan) -> pd.DataFrame:
    """Mean rates of the two shown views at the shown size."""
    source, target = plan.shown
    parts = []
    rates = mean_rejection(analysis.rejection)
    for pair in dict.fromkeys([(target, target), (source, target)]):
        view = analysis.view_shown(*pair)
        if view is not None and len(rates):
            of_pair = (rates["source"] == pair[0]) & (rates["target"] == pair[1])
            parts.append(rates[of_pair & (rates["n_train"] == view.group.size)])
    if not parts:
        return pd.DataFrame()
    digits = dict.fromkeys(
        ("threshold", "retained", "failed_caught", "unknown_caught", "mean_right", "mean_failed"), 3
    )
    whole = dict.fromkeys(("n_right", "n_failed", "n_unknown"), 1)
    return _shown(pd.concat(parts), digits | {"mean_unknown": 3} | whole)


def _spearman(analysis: Analysis) -> pd.DataFrame:
    """Correlation at the largest size of each plain view."""
    table = analysis.spearman
    table = table[table["protocol"].isin(["within", "between"])]
    if table.empty:
        return table
    last = table.groupby(["protocol", "source", "target", "score"], sort=False).tail(1)
    return _shown(last.drop(columns="model"), {"rho": 2, "p": 4})


def _leakage(analysis: Analysis) -> pd.DataFrame:
    """Largest share over the sizes of each protocol, pair and model."""
    keys = ["protocol", "source", "target", "model"]
    if analysis.leakage.empty:
        return analysis.leakage
    most = analysis.leakage.drop(columns="n_train").groupby(keys, sort=False).max().reset_index()
    return _shown(most, dict.fromkeys(("same_site", "same_photo", "same_picture"), 3))


def _weights(analysis: Analysis) -> pd.DataFrame:
    table = analysis.weights.assign(chosen=analysis.weights["chosen"].map({True: "yes", False: ""}))
    return _shown(table, {"information": 3, "acc_target": 3})


def _shown(table: pd.DataFrame, digits: Mapping[str, int]) -> pd.DataFrame:
    """Round for reading; what is not known is a dash."""
    text = table.copy()
    for name, places in digits.items():
        if name in text:
            text[name] = ["–" if pd.isna(value) else f"{value:.{places}f}" for value in table[name]]
    return text
