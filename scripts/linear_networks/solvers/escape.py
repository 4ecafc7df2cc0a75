"""Whether a direction escapes from a point at which a flow rests."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem

STEPS = 60  # Lanczos steps; smaller states take as many as they have entries.
NUDGE = 1e-5  # Finite difference, in units of the state.
FLAT = 1e-6  # Curvatures below this times the largest are rounding.


def escape(problem: Problem, state: Array, size: float) -> tuple[float, Array]:
    """Fastest growth near a point at rest, and its direction.

    The Hessian of the loss is applied by central differences of the velocity, and its lowest eigenvalue found by the
    method of Lanczos, with all vectors made orthogonal again.

    Parameters
    ----------
    problem : Problem
        Of one run.
    state : ndarray, shape (1, ...)
    size : float
        Norm of states of this run, in which nudges are measured.

    Returns
    -------
    growth : float
        Minus the lowest curvature; 0 if that is not below 0 beyond rounding.
    direction : ndarray, shape (1, ...)
        Of norm 1.
    """
    nudge = NUDGE * (size or 1.0)

    def bend(direction: Array) -> Array:
        step = nudge * direction.reshape(state.shape)
        change: Array = (problem.velocity(state - step) - problem.velocity(state + step)).ravel() / (2.0 * nudge)
        return change

    count = min(state.size, STEPS)
    vectors, bent = np.zeros((count, state.size)), np.zeros((count, state.size))
    found = np.random.default_rng(0).standard_normal(state.size)
    for place in range(count):
        # Twice is enough: what is left of the others is rounding.
        for _ in range(2):
            found -= vectors[:place].T @ (vectors[:place] @ found)
        norm = np.linalg.norm(found)
        if norm == 0.0:
            break
        vectors[place] = found / norm
        bent[place] = found = bend(vectors[place])
    projected = vectors @ bent.T
    curvatures, mixtures = np.linalg.eigh((projected + projected.T) / 2.0)
    growth = -curvatures[0] if curvatures[0] < -FLAT * np.abs(curvatures).max() else 0.0
    return float(growth), (vectors.T @ mixtures[:, 0]).reshape(state.shape)
