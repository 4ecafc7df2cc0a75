"""Balanced factors of which one is made larger."""

from dataclasses import replace

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter
from linear_networks.initializations.balanced import Balanced
from linear_networks.initializations.initialization import SCALE, Initialization, split
from linear_networks.initializations.start import Start


class Rescaled(Initialization):
    """Factors (a U, V / a) of the balanced start, with a such that ‖Q‖₂ = `imbalance`; X(0) does not change.

    Balanced factors have UᵀU = VᵀV = M, so that Q = (a² − a⁻²) M.
    """

    name, label = "rescaled", "rescaled"
    # With X(0) = 0, ||Q||_2 would stay 0.
    parameters = {
        "scale": replace(SCALE, least=None, above=0.0),
        "imbalance": Parameter("‖Q(0)‖₂ of the start", least=0.0, symbol="‖Q(0)‖₂"),
    }

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, scale: float, imbalance: float) -> Start:
        left, right = split(Balanced.draw(rng, data, width, scale).factors, len(data))
        norm = np.linalg.norm(left, 2) ** 2
        if imbalance == 0.0:
            return Start(np.concatenate([left, right]), lambda0=0.0)
        if norm == 0.0:
            raise ValueError("a start with X(0) = 0 cannot be rescaled to an imbalance")
        square = imbalance / norm / 2 + np.hypot(imbalance / norm / 2, 1.0)
        return Start(np.concatenate([np.sqrt(square) * left, right / np.sqrt(square)]))

    @staticmethod
    def knows(*, imbalance: float, **_: float) -> bool:
        return imbalance == 0.0
