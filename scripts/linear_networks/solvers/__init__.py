"""Solvers: from a problem and a start to trajectories."""

from linear_networks.components import Listing
from linear_networks.solvers.descent import Descent
from linear_networks.solvers.exact import Exact
from linear_networks.solvers.flow import Flow

SOLVERS = Listing(Descent, Flow, Exact)
