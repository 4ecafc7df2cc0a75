"""The two-layer model with tied weights."""

from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.models.tied import Tied


class Symmetric(Dynamics):
    """Two-layer linear model with tied weights (3), dU/dt = 2 (Y - U U^T) U."""

    name, label = "symmetric", "two-layer (symmetric)"
    colour, symmetric = "#009E73", True
    model, losses = Tied(), ("squared",)
