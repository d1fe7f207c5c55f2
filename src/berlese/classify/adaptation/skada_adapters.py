"""Methods of skada (the `adaptation` extra) that move or weigh the library's rows.

What they give ends in our own regression, so that it is compared, saved and guarded as every other
method. Methods that change target rows too, such as kernel components, and those that need a width
of kernel to be chosen (KLIEP) are not offered.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context

from berlese.classify.adaptation.domains import Domains
from berlese.classify.adaptation.method import AdaptedClassifier, fit_source
from berlese.classify.adaptation.retraining import LEAST_WEIGHT, MOST_WEIGHT
from berlese.classify.adaptation.scores import LinearScores, State
from berlese.classify.heads.linear import logistic_weights
from berlese.classify.heads.standardising import Standardiser
from berlese.errors import MissingPackageError, SettingError
from berlese.options import require_one_of

ANY_NUMBER = ("CORAL", "LinearOTMapping", "GaussianReweight", "DiscriminatorReweight")
OF_PAIRS = (
    "OTMapping",
    "EntropicOTMapping",
    "ClassRegularizerOTMapping",
    "DensityReweight",
    "NearestNeighborReweight",
    "KMMReweight",
)
ADAPTERS = (*ANY_NUMBER, *OF_PAIRS)
LARGEST = 5000  # rows of a side, of methods that compare every two
SOURCE, TARGET = 1, -2


class SkadaClassifier(AdaptedClassifier):
    """Train on library rows that one of skada's adapters has moved or weighed.

    Parameters
    ----------
    adapter : str, default="CORAL"
        One of `ADAPTERS`: the name of skada's class without ``Adapter``; with skada's own settings.
    C : float, default=0.01
        Inverse strength of the regression's ridge.

    Notes
    -----
    Adapters that move rows get both sides standardised by themselves; adapters that weigh them get
    the source's scale.
    """

    def __init__(self, adapter="CORAL", C=0.01):
        self.adapter = adapter
        self.C = C

    def _check(self) -> None:
        super()._check()
        require_one_of(self, "adapter", ADAPTERS)

    def adapted(self, domains: Domains) -> LinearScores:
        source = fit_source(domains, self.C)
        if not len(domains.target):
            return source
        most = max(len(domains.source), len(domains.target))
        if self.adapter in OF_PAIRS and most > LARGEST:
            raise SettingError(
                f"skada:{self.adapter} compares every two rows and takes {LARGEST} a side at most, "
                f"got {most}; use the method consensus, which takes any number."
            )
        if self.adapter.endswith("Reweight"):
            return fit_source(domains, self.C, sample_weight=self._weights(domains, source))
        target = Standardiser.of(domains.target)
        moved = self._run(domains, source.standardiser, target)[: len(domains.source)]
        coefficients, intercepts, _ = logistic_weights(
            np.asarray(moved, np.float64), domains.codes, C=self.C
        )
        return LinearScores(target, coefficients, intercepts)

    def _weights(self, domains: Domains, source: LinearScores) -> NDArray[np.float64]:
        _, given = self._run(domains, source.standardiser, source.standardiser)
        weights = np.asarray(given["sample_weight"], np.float64)[: len(domains.source)]
        usual = weights.mean()
        if not np.isfinite(usual) or usual <= 0:
            raise SettingError(
                f"skada:{self.adapter} gives no library picture any weight for these photos; use "
                "the method density-ratio or consensus."
            )
        return np.clip(weights / usual, LEAST_WEIGHT, MOST_WEIGHT)

    def _run(self, domains: Domains, source: Standardiser, target: Standardiser) -> Any:
        X = np.concatenate([source(domains.source), target(domains.target)])
        codes = np.concatenate([domains.codes, np.full(len(domains.target), -1)])
        domain = np.repeat([SOURCE, TARGET], [len(domains.source), len(domains.target)])
        adapter = _adapter(self.adapter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of solvers that stop before they have converged
            return adapter.fit_transform(X, codes, sample_domain=domain)

    def _restored(self, state: State) -> LinearScores:
        return LinearScores.from_state(state)


def _adapter(name: str) -> Any:
    try:
        # On import skada changes a setting of scikit-learn for the whole program.
        with config_context(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import skada
    except ImportError as error:
        raise MissingPackageError(
            f"the method skada:{name} needs skada; install it with: "
            "pip install 'berlese[adaptation]'"
        ) from error
    return getattr(skada, f"{name}Adapter")()
