"""Fonts, colours, words and sizes of every figure: readable in print and by colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from linear_networks_workflow.figures.libraries import mpl, plt, sns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class Look(NamedTuple):
    """How a dynamics looks in every figure, as its declaration says."""

    label: str
    colour: str = "#222222"
    dashed: bool = False

    @property
    def dashes(self) -> tuple[float, float]:
        """Without colours, one-layer models are still told from two-layer ones."""
        return (4.0, 1.5) if self.dashed else (1, 0)


# What `apply` was told. It is handed over, so that a figure depends on looks and not on the code of the dynamics.
LOOKS: dict[str, Look] = {}
SYMBOLS: dict[str, str] = {}

THEORY = "#222222"
SEQUENCE = "viridis"

# Inches: one column of ICML, the text of NeurIPS, both columns of ICML. Figures are printed at their size.
COLUMN_WIDTH, TEXT_WIDTH, PAGE_WIDTH = 3.25, 5.5, 6.75
PANEL_HEIGHT = 2.2


def apply(looks: Mapping[str, Mapping[str, Any]], symbols: Mapping[str, str]) -> None:
    """Set the style, and make files repeat bit for bit.

    Parameters
    ----------
    looks : mapping of str to mapping
        The `Look` of each dynamics, by name.
    symbols : mapping of str to str
        Symbols of axes, by column of `runs`.
    """
    LOOKS.update({name: Look(**look) for name, look in looks.items()})
    SYMBOLS.update(symbols)
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "axes.grid": True,
            "grid.color": "#E6E6E6",
            "grid.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "font.family": "DejaVu Sans",
            "font.size": 8,
            "axes.titlesize": 9,
            "axes.labelsize": 8,
            "legend.fontsize": 7.5,
            "legend.title_fontsize": 8,
            "legend.frameon": False,
            "lines.linewidth": 1.5,
            "savefig.dpi": 200,
            "svg.hashsalt": "implicit-acceleration",
            "pdf.fonttype": 42,
        },
    )
    mpl.use("agg")


def look(dynamics: str) -> Look:
    """How a dynamics looks; one of which nothing was said has its name for a label."""
    return LOOKS.get(dynamics, Look(dynamics))


def symbol(axis: str) -> str:
    """The symbol of an axis; its name if it has none."""
    return SYMBOLS.get(axis, axis)


def by_dynamics(spreads: pd.DataFrame, order: Sequence[str], axes: Axes) -> None:
    """A `curve` of each of some dynamics, in its looks."""
    for name in order:
        curve(spreads[spreads["dynamics"] == name], axes, color=look(name).colour, dashes=look(name).dashes)


def curve(spreads: pd.DataFrame, axes: Axes, x: str = "t", **line: Any) -> None:
    """Median and 10-90 % band of one curve, from its `spreads`, with the keys of a line; without any, nothing."""
    if not spreads.empty:
        (drawn,) = axes.plot(spreads[x], spreads["median"], **line)
        axes.fill_between(spreads[x], spreads["low"], spreads["high"], color=drawn.get_color(), alpha=0.2)


def line(dynamics: str, label: str = "") -> Line2D:
    """Entry of a legend for the lines of a dynamics, with a label of its own or that of the dynamics."""
    its = look(dynamics)
    return plt.Line2D([], [], color=its.colour, dashes=its.dashes, label=label or its.label)


def sequence(count: int) -> list:
    """Colours of an ordered quantity, dark to light but never too light to print."""
    return [mpl.colormaps[SEQUENCE](0.9 * place / max(count - 1, 1)) for place in range(count)]


def titled(axis: str, value: Any) -> str:
    """Title of a panel that shows one value of an axis."""
    return value.replace("$", r"\$") if isinstance(value, str) else f"{symbol(axis)} = {number(value)}"


def number(value: float) -> str:
    """A number as axes write it, with a power of ten and not an exponent."""
    digits, _, exponent = f"{value:g}".partition("e")
    if not exponent:
        return digits
    factor = {"1": "", "-1": "-"}.get(digits, rf"{digits} \times ")
    return f"${factor}10^{{{int(exponent)}}}$"
