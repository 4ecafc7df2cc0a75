"""Powers of the errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter
from linear_networks.losses.loss import Loss
from linear_networks.matrices.source import Data


@dataclass(frozen=True)
class Power(Loss):
    """1/p sum |y - x|^p over the entries of Y and X, the ℓ_p loss; at p = 2 write `squared`, which `exact` knows.

    The runs are the same at p = 2; limits, rates and closed forms are known of `squared` alone.

    Parameters
    ----------
    power : float
        p.
    """

    power: float

    name = "power"
    label = "ℓ_p loss"
    parameters = {"p": Parameter("exponent p of the errors", least=2.0, symbol="p")}

    @classmethod
    def of(cls, data: Sequence[Data], parameters: Mapping[str, Any]) -> Self:
        return cls(np.stack([one.values for one in data]), parameters["p"])

    def value(self, product: Array) -> Array:
        errors = np.abs(self.data - product).reshape(len(product), -1)
        # A sum over one axis, which does not depend on the batch.
        return np.vecdot(errors ** (self.power - 1.0), errors) / self.power

    def force(self, product: Array) -> Array:
        errors = self.data - product
        return errors * np.abs(errors) ** (self.power - 2.0)

    @staticmethod
    def curvature(inputs: float, error: float, parameters: Mapping[str, Any]) -> float:
        # No entry of a matrix is larger than its norm.
        with np.errstate(over="ignore"):
            return float((parameters["p"] - 1.0) * np.float64(error) ** (parameters["p"] - 2.0))
