"""The squared loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array, squared_norm
from linear_networks.losses.loss import Loss
from linear_networks.matrices.source import Data


@dataclass(frozen=True)
class Squared(Loss):
    """1/2 ||Y - X||_F^2, the loss of the paper (2)."""

    name = "squared"
    label = "squared loss"
    has_limit = True

    @classmethod
    def of(cls, data: Sequence[Data], parameters: Mapping[str, Any]) -> Self:
        return cls(np.stack([one.values for one in data]))

    def value(self, product: Array) -> Array:
        return 0.5 * squared_norm(self.data - product)

    def force(self, product: Array) -> Array:
        return self.data - product

    @staticmethod
    def curvature(inputs: float, error: float, parameters: Mapping[str, Any]) -> float:
        return 1.0
