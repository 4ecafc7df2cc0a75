"""What every dynamics says of itself."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Component
from linear_networks.dynamics.problem import Problem
from linear_networks.losses.loss import Loss
from linear_networks.models.model import Model
from linear_networks.penalties.penalty import Penalty


class Dynamics(Component):
    """A named problem, for each of several losses.

    Attributes
    ----------
    model : Model
        By default that of all runs.
    penalty : type of Penalty, or None
    losses : tuple of str
        Losses that it descends; all of them where it is empty.
    general : type of Dynamics, or None
        The same without the penalty, to which parameters of the penalty can be fitted.
    symmetric : bool
        Whether it is for symmetric Y, from a start with V = U.
    colour : str
        In every figure: of Okabe and Ito's, which colour-blind readers tell apart.
    dashed : bool
        Whether its lines are, so that they are told apart without colours.
    """

    model: ClassVar[Model]
    penalty: ClassVar[type[Penalty] | None] = None
    losses: ClassVar[tuple[str, ...]] = ()
    general: ClassVar["type[Dynamics] | None"] = None
    symmetric: ClassVar[bool] = False
    colour: ClassVar[str]
    dashed: ClassVar[bool] = False

    @classmethod
    def problem(cls, loss: Loss, width: int, widths: Array, parameters: Sequence[Mapping[str, Any]]) -> Problem:
        """The problems of a batch of runs of widths k, shape (batch,), whose factors are computed with `width` columns.

        `parameters` are those of the dynamics of each run.
        """
        penalties = () if cls.penalty is None else (cls.penalty.of(width, widths, parameters),)
        return Problem(loss, cls.model_of(parameters), penalties)

    @classmethod
    def model_of(cls, parameters: Sequence[Mapping[str, Any]]) -> Model:
        """The model of a batch of runs, from the parameters of the dynamics of each."""
        return cls.model

    @classmethod
    def check(cls, width: int, parameters: Mapping[str, Any]) -> None:
        """Raise `Refused` where parameters do not fit each other, or a width."""
        if cls.penalty is not None:
            cls.penalty.check(width, parameters)

    @classmethod
    def loses_rank(cls, parameters: Mapping[str, Any]) -> bool:
        """Whether rounding in steps of its state raises the rank of X, which its flow keeps."""
        return False

    @classmethod
    def keeps_gauge(cls, parameters: Mapping[str, Any]) -> bool:
        """Whether its factors can be reduced."""
        return cls.penalty is None or cls.penalty.keeps_gauge(parameters)

    @classmethod
    def curvature(cls, of_loss: float, data: float, left: float, right: float, parameters: Mapping[str, Any]) -> float:
        """Estimate of the largest curvature that descent meets, as `Model.curvature`; infinite where it overflows."""
        with np.errstate(over="ignore"):
            # Of NumPy, as powers of Python's numbers do not overflow to infinity.
            found = cls.model_of([parameters]).curvature(*map(np.float64, (of_loss, data, left, right)))
        return found if cls.penalty is None else cls.penalty.curvature(found)

    @classmethod
    def operations(cls, rows: int, columns: int, width: int) -> float:
        """Operations of a step of descent, of factors with so many columns."""
        found = cls.model.operations(rows, columns, width)
        return found if cls.penalty is None else found + cls.penalty.operations(rows, columns, width)
