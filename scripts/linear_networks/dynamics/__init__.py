"""Dynamics: problems with a name, a loss left open."""

from linear_networks.components import Listing
from linear_networks.dynamics.asymmetric import Asymmetric
from linear_networks.dynamics.end_to_end import EndToEnd
from linear_networks.dynamics.linear import Linear
from linear_networks.dynamics.regularized import Regularized
from linear_networks.dynamics.riccati import Riccati
from linear_networks.dynamics.symmetric import Symmetric

DYNAMICS = Listing(Linear, Symmetric, Riccati, Asymmetric, EndToEnd, Regularized)
