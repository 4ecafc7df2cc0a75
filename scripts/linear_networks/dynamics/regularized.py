"""The two-layer model with its imbalance held."""

from linear_networks.dynamics.asymmetric import Asymmetric
from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.models.factored import Factored
from linear_networks.penalties.imbalance import Imbalance


class Regularized(Dynamics):
    """The asymmetric model with its imbalance held to a diagonal by a penalty (20); (19) moves it."""

    name, label = "regularized", "regularized, Λ = λ₀I"
    colour = "#222222"
    model, penalty, losses = Factored(), Imbalance, ("squared",)
    parameters, general = Imbalance.parameters, Asymmetric
    note = (
        "For m ≠ n, the exponent |λ₀| that the paper states in Proposition 5 is that of RRᵀ (quantity gramian); "
        "the product X converges faster, at ½√(4σ_min² + λ₀²) + |λ₀|/2."
    )
