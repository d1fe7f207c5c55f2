"""The labelled features that the measurements of classifiers stand on.

Pictures are embedded once, into berlese's own cache; the rest is read as published. Everything lies
in the folder `shared/data` beside the checkout (see its README), simulated libraries where
``berlese simulate libraries`` wrote them.

    from feature_sets import insects
    web, field = insects("web"), insects("field")
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from berlese.features import backbones
from berlese.survey.library import Library, read_library
from berlese.survey.training import embed_library

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COMMON_ORDERS = ("Coleoptera", "Diptera", "Lepidoptera", "Orthoptera")
MOBILENET = "mobilenet_v2_1.0_224_inat_insect_quant.tflite"


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Features of one library.

    Parameters
    ----------
    X : ndarray of float64 of shape (n, dim)
    y : ndarray of str of shape (n,)
        Taxa.
    groups : ndarray of str of shape (n,)
        The photo that a crop comes from; one of its own where each picture is a photo.
    """

    X: NDArray[np.float64]
    y: NDArray[np.str_]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray) -> "FeatureSet":
        """Keep rows given by number or mask."""
        return FeatureSet(self.X[rows], self.y[rows], self.groups[rows])

    def of(self, *taxa: str) -> "FeatureSet":
        """Keep some taxa."""
        return self.take(np.isin(self.y, taxa))


def backbone_name(letter: str, data: Path = DATA) -> str:
    """L, the default backbone, or M, MobileNetV2 trained on insects of iNaturalist."""
    names = {"L": backbones.DEFAULT_BACKBONE, "M": f"tflite:{data / 'weights' / MOBILENET}"}
    return names[letter]


def insects(
    domain: str, rank: str = "order", *, backbone: str = "L", data: Path = DATA
) -> FeatureSet:
    """Features of ``web``, ``field`` or ``dish`` pictures that have a name of a rank."""
    folder = data / "insects"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["domain"] == domain and r[rank]]
    paths = tuple(folder / row["file"] for row in rows)
    photos = tuple(row["photo"] or row["file"] for row in rows)
    labels = tuple(row[rank] for row in rows)
    return _embedded(Library(paths, labels, photos, rank, {}, 0, ()), backbone_name(backbone, data))


def simulated(libraries: Path, name: str, *, backbone: str = "L") -> FeatureSet:
    """Features of LH, LL or GH in the folder that ``berlese simulate libraries`` wrote."""
    return _embedded(read_library(libraries / name), backbone_name(backbone))


def office_googlenet(domain: str, data: Path = DATA) -> FeatureSet:
    """``amazon``, ``dslr`` or ``webcam`` of Office-Caltech-10, GoogleNet features."""
    return _matlab(data / "benchmarks" / "office-googlenet" / f"{domain}.mat")


def office_surf(domain: str, data: Path = DATA) -> FeatureSet:
    """``amazon``, ``caltech10``, ``dslr`` or ``webcam``; SURF histograms, rows summing to one."""
    part = _matlab(data / "benchmarks" / "office-caltech-surf" / f"{domain}.mat")
    return FeatureSet(part.X / part.X.sum(axis=1, keepdims=True), part.y, part.groups)


def _embedded(library: Library, backbone: str) -> FeatureSet:
    embedded = embed_library(library, backbones.load(backbone))
    groups = embedded.groups
    if groups is None:
        groups = np.array([path.as_posix() for path in embedded.paths])
    return FeatureSet(embedded.features.astype(np.float64), embedded.labels, groups)


def _matlab(path: Path) -> FeatureSet:
    content = loadmat(path)
    features = content["fts"]
    labels = content["labels"].ravel()
    number = np.arange(len(labels)).astype(np.str_)
    return FeatureSet(np.asarray(features, np.float64), labels.astype(np.str_), number)
