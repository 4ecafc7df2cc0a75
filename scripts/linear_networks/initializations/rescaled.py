"""Balanced factors of which one is made larger."""

from dataclasses import replace

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.initializations.balanced import Balanced
from linear_networks.initializations.initialization import SCALE, Initialization, split
from linear_networks.initializations.start import Start
from linear_networks.matrices.source import LARGEST

# X(0) is of the size of the square of the scale, which has to be a number.
LEAST = 1e-150


class Rescaled(Initialization):
    """Factors (a U, V / a) of the balanced start, with a such that ‖Q‖₂ = `imbalance`; X(0) does not change.

    Balanced factors have UᵀU = VᵀV = M, so that Q = (a² − a⁻²) M.
    """

    name, label = "rescaled", "rescaled"
    # With X(0) = 0, ||Q||_2 would stay 0.
    parameters = {
        "scale": replace(SCALE, least=None, above=0.0),
        "imbalance": Parameter("‖Q(0)‖₂ of the start", least=0.0, most=LARGEST, symbol="‖Q(0)‖₂"),
    }

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, scale: float, imbalance: float) -> Start:
        left, right = split(Balanced.draw(rng, data, width, scale).factors, len(data))
        if imbalance == 0.0:
            return Start(np.concatenate([left, right]), lambda0=0.0)
        Rescaled.check(len(left), len(right), width, scale=scale, imbalance=imbalance)
        norm = np.linalg.norm(left, 2) ** 2
        square = imbalance / norm / 2 + np.hypot(imbalance / norm / 2, 1.0)
        return Start(np.concatenate([np.sqrt(square) * left, right / np.sqrt(square)]))

    @staticmethod
    def check(rows: int, columns: int, width: int, *, scale: float, imbalance: float) -> None:
        if scale < LEAST and imbalance != 0.0:
            raise Refused("scale", f"{scale:g} cannot be rescaled, as X(0) would be 0; write at least {LEAST:g}")

    @staticmethod
    def knows(*, imbalance: float, **_: float) -> bool:
        return imbalance == 0.0

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, *, imbalance: float, **_: float) -> bool:
        return imbalance == 0.0
