"""Losses: functions of the product X alone."""

from linear_networks.components import Listing
from linear_networks.losses.power import Power
from linear_networks.losses.regression import Regression
from linear_networks.losses.squared import Squared

LOSSES = Listing(Squared, Power, Regression)
