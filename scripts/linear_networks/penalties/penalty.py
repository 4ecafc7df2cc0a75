"""What every penalty says of itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.components import Component


@dataclass(frozen=True)
class Penalty(Component, ABC):
    """A function of the factors, for a batch of runs. A penalty defines all that is abstract here."""

    @classmethod
    @abstractmethod
    def of(cls, width: int, widths: Array, parameters: Sequence[Mapping[str, Any]]) -> Self:
        """The penalty of a batch of runs of widths k, shape (batch,), of factors with `width` columns."""

    @abstractmethod
    def value(self, factors: Sequence[Array]) -> Array:
        """What it adds to the loss, shape (batch,)."""

    @abstractmethod
    def pull(self, factors: Sequence[Array]) -> list[Array]:
        """Minus its gradient with respect to the factors, with operators only."""

    @staticmethod
    def check(width: int, parameters: Mapping[str, Any]) -> None:
        """Raise `Refused` where parameters do not fit each other, or a width."""

    @staticmethod
    @abstractmethod
    def keeps_gauge(parameters: Mapping[str, Any]) -> bool:
        """Whether it is the same after a rotation of the hidden units, so that the factors can be reduced."""

    @staticmethod
    @abstractmethod
    def curvature(of_model: float) -> float:
        """Estimate of the largest curvature of loss and penalty, from that without the penalty."""

    @staticmethod
    def operations(rows: int, columns: int, width: int) -> float:
        """Operations that it adds to a step of descent, of factors with so many columns."""
        return 4.0 * (rows + columns) * width**2

    def select(self, runs: Index | Mask) -> Self:
        """The penalty of some of the runs, given by index or mask; an index may repeat."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: part[runs] for name, part in parts.items() if isinstance(part, np.ndarray)})
