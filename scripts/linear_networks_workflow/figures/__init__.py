"""Kinds of figures: one module each, with everything that a kind needs to say of itself."""

from collections.abc import Mapping
from typing import Any

from linear_networks.components import Listing
from linear_networks_workflow.figures.alignment import Alignment
from linear_networks_workflow.figures.comparison import Comparison
from linear_networks_workflow.figures.descent_vs_flow import DescentVsFlow
from linear_networks_workflow.figures.kind import Kind
from linear_networks_workflow.figures.lambda0 import Lambda0
from linear_networks_workflow.figures.lazy_to_rich import LazyToRich
from linear_networks_workflow.figures.loss import Loss
from linear_networks_workflow.figures.mixed import Mixed
from linear_networks_workflow.figures.modes import Modes
from linear_networks_workflow.figures.rates import Rates
from linear_networks_workflow.figures.reconstruction import Reconstruction
from linear_networks_workflow.figures.regimes import Regimes
from linear_networks_workflow.figures.saddle_to_saddle import SaddleToSaddle
from linear_networks_workflow.figures.times import Times
from linear_networks_workflow.figures.two_eigenvalues import TwoEigenvalues

KINDS: Listing[Kind] = Listing(
    *(Reconstruction, Comparison, Lambda0, Loss, Regimes, Modes, DescentVsFlow, Rates, Times),
    *(TwoEigenvalues, LazyToRich, SaddleToSaddle, Alignment, Mixed),
)


def experiments_of(figure: Mapping[str, Any]) -> list[str]:
    """Names of the experiments that a figure draws."""
    named = figure["experiment"]
    return named if isinstance(named, list) else [named]


def options_of(figure: Mapping[str, Any]) -> dict[str, str]:
    """The options of a figure, which its kind declares."""
    return {option: figure[option] for option in KINDS[figure["kind"]].parameters if option in figure}


def past_stability(config: Mapping[str, Any]) -> set[str]:
    """Names of the experiments of which a figure shows where the stability of descent ends."""
    shown = (figure for figure in config["figures"].values() if KINDS[figure["kind"]].past_stability)
    return {experiment for figure in shown for experiment in experiments_of(figure)}
