"""The product of the two-layer model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from linear_networks.components import Parameter
from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.matrices.source import LARGEST
from linear_networks.models.hyperbolic import Hyperbolic


class EndToEnd(Dynamics):
    """The product of the asymmetric model on its own, from a Q(0) of eigenvalues λ₀/2 ± h with h² = λ₀²/4 + τ².

    dX/dt = (XXᵀ + h²)^{1/2} G + G (XᵀX + h²)^{1/2} with the force G on X, from the X(0) of any start.
    """

    name, label = "end-to-end", "product of two layers"
    colour, dashed = "#E69F00", True
    model = Hyperbolic()
    parameters = {
        "lambda0": Parameter("sum λ₀ of the two eigenvalues of Q", least=-LARGEST, most=LARGEST, symbol="λ₀"),
        "tau": Parameter("τ, with −τ² the product of the two eigenvalues of Q", least=0.0, most=LARGEST, symbol="τ"),
    }

    @classmethod
    def model_of(cls, parameters: Sequence[Mapping[str, Any]]) -> Hyperbolic:
        return Hyperbolic(np.array([np.hypot(one["lambda0"] / 2.0, one["tau"]) for one in parameters]))

    @classmethod
    def loses_rank(cls, parameters: Mapping[str, Any]) -> bool:
        return not cls.model_of([parameters]).half.any()
