"""Balanced factors."""

from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.initializations.gaussian import normals
from linear_networks.initializations.initialization import SCALE, Initialization, split
from linear_networks.initializations.start import Start


class Balanced(Initialization):
    """Factors with Q = 0 and the product X(0) of the Gaussian start of the same draw.

    With U Vᵀ = A D Cᵀ of the Gaussian factors, they are A D^{1/2} and C D^{1/2} (Definition 2 with ε = 0).
    """

    name, label = "balanced", "balanced"
    parameters = {"scale": SCALE}

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, scale: float) -> Start:
        rows, columns = data.shape
        left, right = split(normals(rng, rows, columns, width, scale), rows)
        basis, values, cobasis = np.linalg.svd(left @ right.T, full_matrices=False)
        factors = np.concatenate([basis, cobasis.T]) * np.sqrt(values)
        kept = min(width, len(values))
        return Start(np.pad(factors[:, :kept], ((0, 0), (0, width - kept))), lambda0=0.0)

    @staticmethod
    def knows(**_: Any) -> bool:
        return True

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, **_: Any) -> bool:
        return True
