"""The product of the symmetric model."""

from linear_networks.dynamics.dynamics import Dynamics
from linear_networks.models.metric import Metric


class Riccati(Dynamics):
    """The product of the symmetric model on its own (5), dX/dt = 2 Y X + 2 X Y - 4 X^2."""

    name, label = "riccati", "Riccati equation"
    colour, symmetric = "#56B4E9", True
    model, losses = Metric(), ("squared",)
