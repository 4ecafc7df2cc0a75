"""The imbalance held to a diagonal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array, squared_norm
from linear_networks.components import Parameter, Refused
from linear_networks.matrices.source import LARGEST
from linear_networks.penalties.penalty import Penalty

WEIGHT = 0.125  # at which the flow is (18), and has a closed form


@dataclass(frozen=True)
class Imbalance(Penalty):
    """weight ||U^T U - V^T V - Lambda||_F^2 (20); at a weight of 1/8, the flow of the squared loss is (18).

    Parameters
    ----------
    target : ndarray, shape (batch, w)
        Diagonal of Lambda. If it is no multiple of the identity, the factors must not be gauge-reduced.
    weight : ndarray, shape (batch,)
    reduced : ndarray, shape (batch,)
        Number of columns that the gauge reduction has left out; the penalty counts them.
    """

    target: Array
    weight: Array
    reduced: Array

    name = "imbalance"
    label = "imbalance held to Λ"
    parameters = {
        "lambda0": Parameter(
            "the imbalance λ₀ that the penalty pulls to, one number or a diagonal of them; `fit`: the one that comes "
            "closest to the same flow without the penalty",
            least=-LARGEST,
            most=LARGEST,
            words=("fit",),
            vector=None,
            symbol="λ₀",
        ),
        "weight": Parameter("weight of the penalty; at 1/8 the flow is that of (18)", default=WEIGHT, above=0.0),
    }

    @classmethod
    def of(cls, width: int, widths: Array, parameters: Sequence[Mapping[str, Any]]) -> Self:
        target = np.stack([np.broadcast_to(one["lambda0"], width) for one in parameters]).astype(float)
        return cls(target, np.array([one["weight"] for one in parameters]), widths - width)

    def value(self, factors: Sequence[Array]) -> Array:
        squared = squared_norm(self._excess(factors)) + self.reduced * self.target[:, 0] ** 2
        return self.weight * squared

    def pull(self, factors: Sequence[Array]) -> list[Array]:
        left, right = factors
        pull = 4.0 * self.weight[:, None, None] * self._excess(factors)
        return [-(left @ pull), right @ pull]

    def _excess(self, factors: Sequence[Array]) -> Array:
        left, right = factors
        return left.mT @ left - right.mT @ right - self.target[:, None, :] * np.eye(self.target.shape[-1])

    @staticmethod
    def check(width: int, parameters: Mapping[str, Any]) -> None:
        lambda0, weight = parameters["lambda0"], parameters["weight"]
        if isinstance(lambda0, list) and len(lambda0) != width:
            raise Refused("lambda0", f"{len(lambda0)} numbers for {width} columns of the factors; write one for each")
        if lambda0 == "fit" and weight != WEIGHT:
            raise Refused("weight", f"fit compares with the closed form at weight: {WEIGHT}")

    @staticmethod
    def keeps_gauge(parameters: Mapping[str, Any]) -> bool:
        return not isinstance(parameters["lambda0"], list)

    @staticmethod
    def curvature(of_model: float) -> float:
        # The penalty is of degree four too: at weight 1/8 its curvature is at most that of the loss.
        return 2.0 * of_model
