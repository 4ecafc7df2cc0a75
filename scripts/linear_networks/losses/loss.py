"""What every loss says of itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.components import Component
from linear_networks.matrices.source import Data


@dataclass(frozen=True)
class Loss(Component, ABC):
    """A function of the product X, for a batch of runs. A loss defines `value`, `force`, `of` and `curvature`.

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        Y, that X is to learn: what the error is measured against.
    """

    data: Array

    needs_samples: ClassVar[bool] = False
    """Whether it needs samples, inputs and outputs, beside Y."""

    has_limit: ClassVar[bool] = False
    """Whether theory knows what X tends to."""

    @classmethod
    @abstractmethod
    def of(cls, data: Sequence[Data], parameters: Mapping[str, Any]) -> Self:
        """The loss of a batch of problems, all with the same parameters."""

    @abstractmethod
    def value(self, product: Array) -> Array:
        """The loss at X, shape (batch,), for X of shape (batch, m, n)."""

    @abstractmethod
    def force(self, product: Array) -> Array:
        """Minus the gradient with respect to X, shape (batch, m, n)."""

    @staticmethod
    @abstractmethod
    def curvature(inputs: float, error: float, parameters: Mapping[str, Any]) -> float:
        """Largest curvature in X, infinite where it overflows.

        For spectral norms of the inputs (1 without samples) and of Y - X up to these.
        """

    @classmethod
    def seconds(cls, rows: int, columns: int, examples: int) -> float:
        """Seconds that an evaluation takes beyond that of the model, for so many samples."""
        return 0.0

    def select(self, runs: Index | Mask) -> Self:
        """The loss of some of the runs, given by index or mask; an index may repeat."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: part[runs] for name, part in parts.items() if isinstance(part, np.ndarray)})
