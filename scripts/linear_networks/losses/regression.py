"""Regression on samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array, squared_norm
from linear_networks.components import Parameter
from linear_networks.losses.loss import Loss
from linear_networks.matrices.source import Data

LINKS = ("identity", "sigmoid")


@dataclass(frozen=True)
class Regression(Loss):
    """1/2 ||B - phi(A X)||_F^2 on inputs A and outputs B, with the identity or a sigmoid phi(x) = 1 / (1 + e^{-x}).

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        The weights W* that made the samples, which X is to recover.
    inputs : ndarray, shape (batch, samples, m)
        A.
    outputs : ndarray, shape (batch, samples, n)
        B.
    link : {"identity", "sigmoid"}
        phi.
    """

    inputs: Array
    outputs: Array
    link: str = "identity"

    name = "regression"
    label = "regression on samples"
    needs_samples = True
    parameters = {"link": Parameter("what maps AX to the outputs", str, words=LINKS, default="identity")}

    @classmethod
    def of(cls, data: Sequence[Data], parameters: Mapping[str, Any]) -> Self:
        values = np.stack([one.values for one in data])
        inputs = np.stack([one.inputs for one in data if one.inputs is not None])
        outputs = np.stack([one.outputs for one in data if one.outputs is not None])
        return cls(values, inputs, outputs, parameters["link"])

    def value(self, product: Array) -> Array:
        return 0.5 * squared_norm(self.outputs - self._predicted(product))

    def force(self, product: Array) -> Array:
        predicted = self._predicted(product)
        residual = self.outputs - predicted
        return self.inputs.mT @ (residual if self.link == "identity" else residual * predicted * (1.0 - predicted))

    def _predicted(self, product: Array) -> Array:
        outputs = self.inputs @ product
        if self.link == "identity":
            return outputs
        from scipy.special import expit

        return expit(outputs)

    @classmethod
    def seconds(cls, rows: int, columns: int, examples: int) -> float:
        return examples * (1e-8 * columns + rows * columns / 2e9)

    @staticmethod
    def curvature(inputs: float, error: float, parameters: Mapping[str, Any]) -> float:
        # The slope of a sigmoid is at most 1/4.
        return inputs**2 if parameters["link"] == "identity" else inputs**2 / 16.0
