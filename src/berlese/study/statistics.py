"""Tests and regressions over the trainings of a study; intervals are at 90 %.

Replicates draw from the same pictures, so they are not independent and the plain paired t-test
finds too much; beside it stands the corrected one of Nadeau & Bengio (2003, Machine Learning
52:239), whose variance grows by n_test / n_train.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS

from berlese.study.metrics import LEVEL
from berlese.study.plans import StudySettings
from berlese.study.results import KEYS, View

REGRESSION_COLUMNS = [
    *("source", "target", "model", "response", "term", "estimate", "low", "high"),
    *("standard_error", "t", "p", "r_squared", "n"),
]
PAIRED_COLUMNS = [
    *("source", "target", "model", "n_train", "n", "difference", "low", "high"),
    *("p_t", "p_corrected", "p_wilcoxon"),
]
SCORES = ("recall", "precision", "f1")
BY_INFORMATION = "most information on unlabelled target pictures"
BY_TARGET = "best target accuracy, as published"
ONLY_ONE = "the only one"


def spearman_table(taxa: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of each score of a taxon with its number of pictures in the source.

    Columns: those of a view, score, rho, p and n (taxa). A score that no taxon varies in, or of
    fewer than three taxa, has NaN.
    """
    rows = []
    for keys, table in taxa[taxa["n_tested"] > 0].groupby(KEYS, sort=False):
        for score in SCORES:
            known = table[["n_images", score]].dropna()
            varied = len(known) > 2 and (known.nunique() > 1).all()
            rho, p = stats.spearmanr(known["n_images"], known[score]) if varied else (np.nan,) * 2
            rows.append(
                dict(zip(KEYS, keys, strict=True))
                | {"score": score, "rho": float(rho), "p": float(p), "n": len(known)}
            )
    return pd.DataFrame(rows, columns=[*KEYS, "score", "rho", "p", "n"])


def regression_table(results: pd.DataFrame, response: str = "acc_target") -> pd.DataFrame:
    """Ordinary least squares of a response on model type and number of pictures, by pair.

    One fit for each pair and DANN: response = a + b [model is DANN] + c n_train, over all
    replicates and sizes of both models.

    Columns: source, target, model, response, term (``intercept``, ``model``, ``n_train``),
    estimate, low, high, standard_error, t, p, r_squared, n. A pair of one size, or with fewer
    rows than terms and one more, is left out.
    """
    rows: list[dict[str, Any]] = []
    for source, target, model, both in _against_plain(results):
        design = np.column_stack(
            [np.ones(len(both)), both["model"] == model, both["n_train"]]
        ).astype(float)
        if len(both) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        fit = OLS(both[response].to_numpy(), design).fit()
        bounds = fit.conf_int(alpha=1 - LEVEL)
        for at, term in enumerate(("intercept", "model", "n_train")):
            rows.append(
                {
                    "source": source,
                    "target": target,
                    "model": model,
                    "response": response,
                    "term": term,
                    "estimate": float(fit.params[at]),
                    "low": float(bounds[at][0]),
                    "high": float(bounds[at][1]),
                    "standard_error": float(fit.bse[at]),
                    "t": float(fit.tvalues[at]),
                    "p": float(fit.pvalues[at]),
                    "r_squared": float(fit.rsquared),
                    "n": len(both),
                }
            )
    return pd.DataFrame(rows, columns=REGRESSION_COLUMNS)


def paired_table(results: pd.DataFrame, n_test: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Compare each DANN with the head of the same draws without a domain head.

    Parameters
    ----------
    results : DataFrame
        See `berlese.study.results.results_table`.
    n_test : dict
        Mean number of target test pictures of each pair.

    Returns
    -------
    DataFrame
        Columns source, target, model, n_train (0: all sizes, each replicate's mean over them),
        n (pairs), difference (of target accuracy), low, high, p_t, p_corrected, p_wilcoxon.
        With one pair the tests are NaN.
    """
    rows = []
    for source, target, model, both in _against_plain(results):
        wide = both.pivot_table(
            index=["n_train", "replicate"], columns="model", values="acc_target"
        )
        difference = (wide[model] - wide["CNN"]).dropna()
        parts = [(0, difference.groupby("replicate").mean())]
        parts += [(int(size), part) for size, part in difference.groupby("n_train")]
        for size, part in parts:
            n_train = size or float(both["n_train"].mean())
            tested = paired_tests(part.to_numpy(), n_test[source, target] / n_train)
            rows.append(
                {"source": source, "target": target, "model": model, "n_train": size} | tested
            )
    return pd.DataFrame(rows, columns=PAIRED_COLUMNS)


def paired_tests(differences: NDArray[np.float64], test_to_train: float) -> dict[str, float]:
    """Test whether paired differences are zero on average.

    Parameters
    ----------
    differences : ndarray of float64 of shape (n,)
    test_to_train : float
        n_test / n_train of each replicate, for the corrected test.

    Returns
    -------
    dict
        n, difference, low, high (of the corrected test), p_t, p_corrected, p_wilcoxon.
    """
    n, mean = len(differences), float(np.mean(differences))
    nan = float("nan")
    if n < 2:
        unknown = dict.fromkeys(("low", "high", "p_t", "p_corrected", "p_wilcoxon"), nan)
        return {"n": n, "difference": mean} | unknown
    variance = float(np.var(differences, ddof=1))
    if variance <= 1e-24:  # equal differences: no spread to test against
        certain = 1.0 if abs(mean) < 1e-12 else nan
        return {
            "n": n,
            "difference": mean,
            "low": mean,
            "high": mean,
            "p_t": certain,
            "p_corrected": certain,
            "p_wilcoxon": certain,
        }
    corrected = np.sqrt((1 / n + test_to_train) * variance)
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * corrected
    return {
        "n": n,
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
        "p_t": float(2 * stats.t.sf(abs(mean) / np.sqrt(variance / n), n - 1)),
        "p_corrected": float(2 * stats.t.sf(abs(mean) / corrected, n - 1)),
        "p_wilcoxon": float(stats.wilcoxon(differences).pvalue),
    }


def chosen_weights(
    results: pd.DataFrame, views: Sequence[View], settings: StudySettings
) -> pd.DataFrame:
    """Choose one lambda for each pair.

    By the mutual information between the unlabelled target pictures and their names, averaged
    over the trainings: no label of the target is looked at. `as_published`, by target accuracy.

    Columns: source, target, model, information, acc_target, chosen, rule.
    """
    adapting = [view for view in views if view.group.domain_weight is not None]
    rows = [
        (view.source, view.target, view.group.model, float(np.nanmean(view.result.information)))
        for view in adapting
        if np.isfinite(view.result.information).any()
    ]
    table = pd.DataFrame(rows, columns=["source", "target", "model", "information"])
    keys = ["source", "target", "model"]
    table = table.groupby(keys, sort=False)["information"].mean().reset_index()
    accuracy = results[results["protocol"] == "adaptation"].groupby(keys)["acc_target"].mean()
    table = table.join(accuracy, on=keys)
    by = "acc_target" if settings.as_published else "information"
    best = table.groupby(keys[:2])[by].transform("max")
    table["chosen"] = table[by] == best
    several = len(settings.domain_weights) > 1
    chosen_by = BY_TARGET if settings.as_published else BY_INFORMATION
    table["rule"] = chosen_by if several else ONLY_ONE
    return table


def _against_plain(results: pd.DataFrame) -> list[tuple[str, str, str, pd.DataFrame]]:
    """Rows of each DANN of each pair together with those of the plain head."""
    found = []
    adaptation = results[results["protocol"] == "adaptation"]
    for (source, target), pair in adaptation.groupby(["source", "target"], sort=False):
        for model in pair["model"].unique():
            if model != "CNN":
                both = pair[pair["model"].isin(["CNN", model])].dropna(subset=["acc_target"])
                found.append((source, target, model, both))
    return found
