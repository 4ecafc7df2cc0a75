"""What is observed along a trajectory."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gradflow.dynamics import Dynamics, squared_norm
from gradflow.solution import Index, Observe

Array = NDArray[np.float64]


def observer(dynamics: Dynamics, start: Array, product: bool = False) -> Observe:
    """Function that observes states of `dynamics`, for trajectories that begin at `start`.

    It maps (dynamics, state, runs), the dynamics and states of the runs of the batch with indices `runs`, to:

    - `loss`, shape (len(runs),): the objective;
    - `error`: relative error ||Y - X||_F / ||Y||_F;
    - `singular_values`, shape (len(runs), min(m, n)): of X, descending;
    - `drift`: ||Q(t) - Q(0)||_F, where something is conserved;
    - `product`, shape (len(runs), m * n): X, row-major, if asked for.
    """
    initial = dynamics.imbalance(start)

    def observe(dynamics: Dynamics, state: Array, runs: Index) -> Mapping[str, Array]:
        products = dynamics.product(state)
        observation: dict[str, Array] = {
            "loss": dynamics.loss(state),
            "error": dynamics.error(state),
            "singular_values": np.linalg.svdvals(products),
        }
        imbalance = dynamics.imbalance(state)
        if imbalance is not None and initial is not None:
            observation["drift"] = np.sqrt(squared_norm(imbalance - initial[runs]))
        if product:
            observation["product"] = products.reshape(len(products), -1)
        return observation

    return observe
