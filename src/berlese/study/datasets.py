"""Labelled features of image libraries, and several of them stacked into one array.

A row is a picture. Sites, photos and hashes are what a leak is recognised by; a study runs
without them and then says that it could not look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from berlese.errors import SettingError

NO_TAXON = -1


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """One library's pictures.

    Parameters
    ----------
    name : str
        Short and unique within a study, such as ``LH``.
    features : ndarray of float32 of shape (n, dim)
    labels : ndarray of str of shape (n,)
        Taxa.
    sites : ndarray of str of shape (n,), optional
        Where each animal was collected; empty where that is not known.
    groups : ndarray of str of shape (n,), optional
        The photo that each picture was cut from; empty where that is not known.
    hashes : ndarray of str of shape (n,), optional
        sha256 of each picture's bytes.
    """

    name: str
    features: NDArray[np.float32]
    labels: NDArray[np.str_]
    sites: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None
    hashes: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        n = len(self.labels)
        if n == 0 or np.ndim(self.features) != 2:
            raise SettingError(
                f"data set {self.name!r}: expected features of shape (n, dim) with n of at least "
                f"1, got {np.shape(self.features)} and {n} labels."
            )
        for what in ("features", "sites", "groups", "hashes"):
            values = getattr(self, what)
            if values is not None and len(values) != n:
                raise SettingError(
                    f"data set {self.name!r}: {len(values)} {what} for {n} labels; "
                    "each picture needs one."
                )
        if not np.isfinite(self.features).all():
            raise SettingError(f"data set {self.name!r}: a feature is not a finite number.")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def taxa(self) -> tuple[str, ...]:
        """Its taxa, sorted."""
        return tuple(sorted(set(self.labels.tolist())))


class Libraries:
    """The data sets of a study, their rows one below the other, unknowns last.

    Parameters
    ----------
    datasets : sequence of Dataset
    unknowns : mapping of str to Dataset, optional
        Pictures of taxa that no model learns, by the data set whose camera took them; under the
        empty name, those that are shown to every model.

    Attributes
    ----------
    taxa : tuple of str
        All taxa of the data sets, sorted; a row's code is its place here.
    codes : ndarray of intp of shape (n_rows,)
        `NO_TAXON` for unknowns.
    features : ndarray of float32 of shape (n_rows, dim)
    sites, groups, hashes : ndarray of str of shape (n_rows,)
        Empty where a data set does not know them.
    """

    def __init__(
        self, datasets: Sequence[Dataset], unknowns: Mapping[str, Dataset] | None = None
    ) -> None:
        self.datasets = {each.name: each for each in datasets}
        if len(self.datasets) < len(datasets) or not datasets:
            names = [each.name for each in datasets]
            raise SettingError(f"a study needs data sets of unlike names, got {names!r}.")
        self.unknowns = dict(unknowns or {})
        parts = [*datasets, *self.unknowns.values()]
        widths = {each.features.shape[1] for each in parts}
        if len(widths) > 1:
            raise SettingError(f"features of one study must be of one length, got {widths}.")
        self.taxa = tuple(sorted({taxon for each in datasets for taxon in each.taxa}))
        self.features = np.concatenate([each.features for each in parts])
        self.sites = _stacked(parts, "sites")
        self.groups = _stacked(parts, "groups")
        self.hashes = _stacked(parts, "hashes")
        ends = np.cumsum([len(each) for each in parts])
        places = [np.arange(end - len(each), end) for each, end in zip(parts, ends, strict=True)]
        self._rows = dict(zip(self.datasets, places, strict=False))
        self._unknown_rows = dict(zip(self.unknowns, places[len(datasets) :], strict=True))
        self.codes = np.full(len(self.features), NO_TAXON, np.intp)
        for name, rows in self._rows.items():
            self.codes[rows] = np.searchsorted(self.taxa, self.datasets[name].labels)

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, name: str) -> NDArray[np.intp]:
        """Rows of one data set."""
        return self._rows[name]

    def known_codes(self, name: str) -> NDArray[np.intp]:
        """Codes of the taxa that a model of this data set learns, sorted."""
        return np.unique(self.codes[self._rows[name]])

    def foreign_rows(self, source: str, target: str) -> NDArray[np.intp]:
        """Rows of a target whose taxon the source lacks."""
        rows = self._rows[target]
        return rows[~np.isin(self.codes[rows], self.known_codes(source))]

    def unknown_rows(self, source: str, target: str) -> NDArray[np.intp]:
        """Rows that a model of `source` cannot name right: unknowns, and foreign taxa."""
        learnt = self.datasets[source].taxa
        parts = [self.foreign_rows(source, target)]
        for name in (target, ""):
            if name in self.unknowns:
                stranger = ~np.isin(self.unknowns[name].labels, learnt)
                parts.append(self._unknown_rows[name][stranger])
        return np.concatenate(parts)

    def has_sites(self, name: str) -> bool:
        """Tell whether at least two sites of a data set are known."""
        return len(self.known_sites(name)) > 1

    def known_sites(self, name: str) -> NDArray[np.str_]:
        """The sites of a data set, sorted."""
        sites = np.unique(self.sites[self._rows[name]])
        return sites[sites != ""]


def _stacked(parts: Sequence[Dataset], what: str) -> NDArray[np.str_]:
    columns = [getattr(each, what) for each in parts]
    filled = [
        np.full(len(each), "") if column is None else np.asarray(column, np.str_)
        for each, column in zip(parts, columns, strict=True)
    ]
    return np.concatenate(filled)
