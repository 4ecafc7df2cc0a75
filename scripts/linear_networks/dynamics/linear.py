"""The one-layer model."""

from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.models.direct import Direct


class Linear(Dynamics):
    """One-layer linear model (2), dX/dt = Y - X for the squared loss."""

    name, label = "linear", "one-layer (linear)"
    colour, dashed = "#0072B2", True
    model = Direct()
