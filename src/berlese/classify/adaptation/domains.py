"""Source and target rows of one call of ``fit``, by skada's convention.

``sample_domain`` is positive for rows of the source (the library) and negative for rows of the
target (the photos to be named). The names of target rows are masked: ``""`` where names are text,
``-1`` where they are numbers. A target row with a name in its place is a *reviewed* row: a person
has named it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets

from berlese.classify.heads.linear import many_classes
from berlese.errors import SettingError

UNREVIEWED = -1
MOST_NAMED = 5  # in a message


@dataclass(frozen=True, slots=True, eq=False)
class Domains:
    """Rows of both domains; names as positions among the source's classes.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Of the source, sorted.
    source : ndarray of float64 of shape (n_source, n_features)
    codes : ndarray of intp of shape (n_source,)
        Class of each source row.
    target : ndarray of float64 of shape (n_target, n_features)
        May have no rows.
    reviewed : ndarray of intp of shape (n_target,)
        Class of each target row that a person has named, `UNREVIEWED` for the others.
    """

    classes: NDArray[Any]
    source: NDArray[np.float64]
    codes: NDArray[np.intp]
    target: NDArray[np.float64]
    reviewed: NDArray[np.intp]

    @property
    def is_reviewed(self) -> NDArray[np.bool_]:
        """Which target rows a person has named."""
        return self.reviewed != UNREVIEWED

    def without_names(self) -> "Domains":
        """Forget what people said about the target."""
        unnamed = np.full(len(self.target), UNREVIEWED)
        return Domains(self.classes, self.source, self.codes, self.target, unnamed)

    def with_reviewed(self, reviewed: NDArray[np.intp]) -> "Domains":
        """Replace what people said about the target."""
        return Domains(self.classes, self.source, self.codes, self.target, reviewed)


def is_source(sample_domain: ArrayLike | None, n_rows: int) -> NDArray[np.bool_]:
    """Tell which rows are of the source; without domains, all are.

    Raises
    ------
    ValueError
        If there is not one number other than zero a row, or no row of the source.
    """
    if sample_domain is None:
        return np.ones(n_rows, bool)
    domains = np.asarray(sample_domain)
    if domains.shape != (n_rows,):
        raise ValueError(f"sample_domain must be of shape ({n_rows},), got {domains.shape}.")
    if (domains == 0).any():
        raise ValueError("sample_domain must be positive (source) or negative (target), got 0.")
    source: NDArray[np.bool_] = domains > 0
    if not source.any():
        raise ValueError("sample_domain names no row of the source (a positive number).")
    return source


def split_domains(
    owner: Any, X: NDArray[np.float64], y: NDArray[Any], sample_domain: ArrayLike | None
) -> Domains:
    """Sort rows into domains and turn names into positions.

    Parameters
    ----------
    owner : estimator
        Named in messages.
    X : ndarray of float64 of shape (n, n_features)
    y : ndarray of shape (n,)
        Names; masked where a target row is not reviewed.
    sample_domain : array of int of shape (n,), optional
        See `is_source`.

    Raises
    ------
    ValueError
        If the domains make no sense, or the source has one class.
    SettingError
        If a reviewed row bears a name that the source has not.
    """
    source = is_source(sample_domain, len(y))
    with many_classes():
        check_classification_targets(y[source])
    classes, codes = np.unique(y[source], return_inverse=True)
    name = type(owner).__name__
    if len(classes) < 2:
        raise ValueError(f"{name} needs two classes in the source, got one class: {classes[0]!r}")
    said = y[~source]
    masked = is_masked(said)
    _require_known(name, said[~masked], classes)
    reviewed = np.full(len(said), UNREVIEWED)
    reviewed[~masked] = np.searchsorted(classes, said[~masked])
    return Domains(classes, X[source], codes, X[~source], reviewed)


def is_masked(names: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which names of target rows are masks; see the head of this module."""
    if names.dtype.kind in "US":
        return names == names.dtype.type()
    if names.dtype.kind in "iuf":
        return names == UNREVIEWED
    return np.array([each is None or each == "" for each in names], bool)


def _require_known(owner: str, names: NDArray[Any], classes: NDArray[Any]) -> None:
    strange = sorted({str(each) for each in names[~np.isin(names, classes)]})
    if strange:
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        raise SettingError(
            f"{owner}: reviewed names that the source does not have: "
            f"{', '.join(strange[:MOST_NAMED])}{more}. Add these classes to the source with "
            "pictures of their own, or mask the rows."
        )
