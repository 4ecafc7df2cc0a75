"""Problems, and their solutions, as tests of the library make them."""

import numpy as np

from linear_networks import theory
from linear_networks.dynamics import Regularized
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import Start
from linear_networks.losses.regression import Regression
from linear_networks.losses.squared import Squared
from linear_networks.measure import observables
from linear_networks.penalties.imbalance import Imbalance
from linear_networks.solvers.flow import Flow
from linear_networks.theory.limits import Limit


def squared(dynamics, data, *penalties):
    """A dynamics with the squared loss, for a batch of matrices Y."""
    return Problem(Squared(data), dynamics.model, penalties)


def held(data, target, weight=0.125, reduced=0):
    """The regularized model with a diagonal of Lambda for each run, shape (batch, w)."""
    runs = len(data)
    penalty = Imbalance(target, np.broadcast_to(weight, runs), np.broadcast_to(reduced, runs))
    return squared(Regularized, data, penalty)


def taught(dynamics, tasks, link="sigmoid"):
    """A dynamics that learns what teachers label."""
    return Problem(Regression.of(tasks, {"link": link}), dynamics.model)


def solve(problem, start, times, solver=None, width=None, observe=None, progress=lambda fraction: None):
    """What a solver, by default the flow, makes of factors of shape (batch, m + n, w) or of a Start."""
    start = start if isinstance(start, Start) else Start(start)
    runs, columns = len(start.factors), start.factors.shape[-1]
    widths = np.full(runs, width or columns)
    limit = Limit.of(problem, widths, start)
    if observe is None:
        observe = observables.observer(problem, problem.start(start.factors), widths, product=True, limit=limit)
    return (solver or Flow()).solve(problem, start, np.asarray(times, dtype=float), observe, progress, limit)


def products(solution, shape):
    """X of every run and sample."""
    found = solution.observed["product"]
    return found.reshape(*found.shape[:2], *shape)


def predict(dynamics, facts):
    """What theory predicts of a dynamics with the squared loss."""
    penalties = () if dynamics.penalty is None else (dynamics.penalty,)
    known = theory.of_parts(Squared, type(dynamics.model), penalties)
    return known.predict(facts._replace(factored=dynamics.model.has_factors).rounded())
