"""Factors whose imbalance is a multiple of the identity."""

from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.initializations.balanced import Balanced
from linear_networks.initializations.gaussian import normals
from linear_networks.initializations.initialization import SCALE, Initialization, split
from linear_networks.initializations.start import Start
from linear_networks.matrices.source import LARGEST


class Identity(Initialization):
    """Factors with Q = λ₀I, λ₀ = `imbalance`; the narrower of the two is that of the Gaussian start.

    For λ₀ > 0, U = A (VᵀV + λ₀I)^{1/2} with A orthonormal, which needs k <= m (22); for λ₀ < 0 likewise with U and V
    exchanged, which needs k <= n; λ₀ = 0 is the balanced start.
    """

    name, label = "identity", "multiple of the identity"
    parameters = {"scale": SCALE, "imbalance": Parameter("λ₀ of the start", least=-LARGEST, most=LARGEST, symbol="λ₀")}

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, scale: float, imbalance: float) -> Start:
        if imbalance == 0.0:
            return Balanced.draw(rng, data, width, scale)
        rows, columns = data.shape
        Identity.check(rows, columns, width, imbalance=imbalance)
        drawn = split(normals(rng, rows, columns, width, scale), rows)
        free, fixed = drawn if imbalance > 0 else drawn[::-1]
        basis = np.linalg.qr(free if scale > 0 else np.eye(*free.shape))[0]
        values, vectors = np.linalg.eigh(fixed.T @ fixed)
        grown = basis @ (vectors * np.sqrt(values + abs(imbalance)) @ vectors.T)
        return Start(np.concatenate([grown, fixed] if imbalance > 0 else [fixed, grown]), lambda0=imbalance)

    @staticmethod
    def knows(**_: Any) -> bool:
        return True

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, *, imbalance: float, **_: Any) -> bool:
        # The larger of U U^T and V V^T has to have its full rank.
        return imbalance == 0.0 or width >= (rows if imbalance > 0.0 else columns)

    @staticmethod
    def check(rows: int, columns: int, width: int, *, imbalance: float, **_: Any) -> None:
        side, limit = ("rows", rows) if imbalance > 0 else ("columns", columns)
        if imbalance != 0 and width > limit:
            message = f"Q = {imbalance:g} I needs a width of at most the {side}, {limit}, not {width}"
            raise Refused("imbalance", message)
