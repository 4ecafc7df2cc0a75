"""What is observed along a trajectory."""

from collections.abc import Mapping

import numpy as np

from linear_networks.arrays import Array, Index, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.solvers.solution import Observe
from linear_networks.theory.limits import Limit


def summarize(problem: Problem, state: Array, runs: Index, product: Array | None = None) -> Mapping[str, Array]:
    """Of what an `observer` observes `loss` and `error` alone, which say how far runs have come."""
    product = problem.product(state) if product is None else product
    return {"loss": problem.objective(state, product), "error": problem.error(state, product)}


def observer(
    problem: Problem,
    start: Array,
    widths: Array,
    product: bool = False,
    limit: Limit | None = None,
    kernel: bool = False,
) -> Observe:
    """Function that observes states of a problem, for trajectories of widths k, shape (batch,), that begin at `start`.

    They end at `limit`, or without it where generic starts do.

    It maps (problem, state, runs), the problems and states of the runs of the batch with indices `runs`, to:

    - `loss`, shape (len(runs),): the objective;
    - `error`: relative error ||Y - X||_F / ||Y||_F;
    - `singular_values`, shape (len(runs), min(m, n)): of X, descending (eigenvalues where X is symmetric throughout);
    - `drift`: ||Q(t) - Q(0)||_F, where something is conserved;
    - `distance`: ||X(t) - X(inf)||_F, where the limit is known (NaN for runs of which it is not);
    - `local_rate`: lambda_min(U U^T) + lambda_min(V V^T), at which ||Y - X|| decays at least, for the asymmetric model;
    - `gramian_distance`: ||R R^T(t) - R R^T(inf)||_F, for the regularized model where the limit is known;
    - `product`, shape (len(runs), m * n): X, row-major, if asked for;
    - `kernel`, shape (len(runs), numbers): coordinates of the tangent kernel, if asked for, where it moves.
    """
    initial = problem.imbalance(start)
    goal = limit or Limit.of(problem, widths)

    def observe(problem: Problem, state: Array, runs: Index) -> Mapping[str, Array]:
        found = problem.product(state)
        observation = {
            **summarize(problem, state, runs, found),
            "singular_values": problem.spectrum(state, found),
        }
        imbalance = problem.imbalance(state)
        if imbalance is not None and initial is not None:
            observation["drift"] = np.sqrt(squared_norm(imbalance - initial[runs]))
        observation["distance"] = np.sqrt(squared_norm(found - goal.product[runs]))
        local_rate = goal.theory.local_rate(problem, state)
        if local_rate is not None:
            observation["local_rate"] = local_rate
        gramian = goal.theory.gramian(problem, state)
        if gramian is not None and goal.gramian is not None:
            observation["gramian_distance"] = np.sqrt(squared_norm(gramian - goal.gramian[runs]))
        if product:
            observation["product"] = found.reshape(len(state), -1)
        moving = problem.tangent_kernel(state) if kernel else None
        if moving is not None:
            observation["kernel"] = moving
        return observation

    return observe
