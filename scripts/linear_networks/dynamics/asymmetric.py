"""The two-layer model."""

from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.models.factored import Factored


class Asymmetric(Dynamics):
    """Two-layer linear model (9), dU/dt = E V and dV/dt = E^T U (10), with the force E = Y - X of the squared loss."""

    name, label = "asymmetric", "two-layer (asymmetric)"
    colour = "#D55E00"
    model = Factored()
    note = (
        "From a general start the paper states no rate; `predicted` is the local rate λ_min(UUᵀ) + λ_min(VVᵀ) at the "
        "limit, or where both are 0 the smallest eigenvalue of UUᵀ and VVᵀ that is not. For m ≠ n and a small start it "
        "is about σ_min, not the 2σ_min of balanced spectral starts: the longer factor has no component along some "
        "directions of its side, so that its term of the local rate vanishes."
    )
