"""What theory knows of problems: where they end, how fast, and their closed forms."""

from linear_networks.components import Listing
from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.dynamics.problem import Problem
from linear_networks.losses.loss import Loss
from linear_networks.models.model import Model
from linear_networks.penalties.penalty import Penalty
from linear_networks.theory.asymmetric import Asymmetric
from linear_networks.theory.end_to_end import EndToEnd
from linear_networks.theory.one_layer import OneLayer
from linear_networks.theory.proposition_5 import Proposition5
from linear_networks.theory.symmetric import Symmetric
from linear_networks.theory.theory import Theory
from linear_networks.theory.unknown import Unknown

THEORIES = Listing(OneLayer, Symmetric, Asymmetric, EndToEnd, Proposition5)


def of_parts(loss: type[Loss], model: type[Model], penalties: tuple[type[Penalty], ...]) -> Theory:
    """The theory of problems of these parts."""
    return next((theory() for theory in THEORIES.values() if theory.applies(loss, model, penalties)), Unknown())


def of_dynamics(dynamics: type[Dynamics], loss: type[Loss]) -> Theory:
    """The theory of a dynamics that descends a loss."""
    return of_parts(loss, type(dynamics.model), () if dynamics.penalty is None else (dynamics.penalty,))


def of(problem: Problem) -> Theory:
    """The theory of a problem."""
    return of_parts(type(problem.loss), type(problem.model), tuple(map(type, problem.penalties)))
