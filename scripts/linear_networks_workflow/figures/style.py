"""Fonts, colours, words and sizes of every figure: readable in print and by colour-blind readers."""

from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.lines import Line2D

# Okabe and Ito's colours, which colour-blind readers tell apart; one a dynamics, the same in every figure.
COLOURS = {
    "linear": "#0072B2",
    "asymmetric": "#D55E00",
    "symmetric": "#009E73",
    "riccati": "#56B4E9",
    "regularized": "#222222",
    "sigmoid-linear": "#0072B2",
    "sigmoid-asymmetric": "#D55E00",
}
# Without colours, one-layer models are still told from two-layer ones.
DASHES = {name: (4.0, 1.5) if name in ("linear", "sigmoid-linear") else (1, 0) for name in COLOURS}
LABELS = {
    "linear": "one-layer (linear)",
    "asymmetric": "two-layer (asymmetric)",
    "symmetric": "two-layer (symmetric)",
    "riccati": "Riccati equation",
    "regularized": "regularized, Λ = λ₀I",
    "sigmoid-linear": "one-layer, sigmoid",
    "sigmoid-asymmetric": "two-layer, sigmoid",
}
SYMBOLS = {
    "scale": "σ",
    "width": "k",
    "step_size": "η",
    "rows": "m",
    "columns": "n",
    "imbalance": "λ₀",
    "lambda0": "λ₀",
}
THEORY = "#222222"
SEQUENCE = "viridis"

# Median and 10-90 % of replicates, in the words of seaborn.
SPREAD: dict[str, Any] = {"estimator": "median", "errorbar": ("pi", 80), "legend": False}

# Inches: one column of ICML, the text of NeurIPS, both columns of ICML. Figures are printed at their size.
COLUMN_WIDTH, TEXT_WIDTH, PAGE_WIDTH = 3.25, 5.5, 6.75
PANEL_HEIGHT = 2.2


def apply() -> None:
    """Set the style, and make files repeat bit for bit."""
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


def by_dynamics(order: list[str]) -> dict[str, Any]:
    """Colours and dashes of the dynamics, in the words of seaborn."""
    keys = {"hue": "dynamics", "hue_order": order, "style": "dynamics", "style_order": order}
    return keys | {"palette": COLOURS, "dashes": DASHES}


def line(dynamics: str) -> Line2D:
    """Entry of a legend for the lines of a dynamics."""
    return Line2D([], [], color=COLOURS[dynamics], dashes=DASHES[dynamics], label=LABELS[dynamics])


def sequence(count: int) -> list:
    """Colours of an ordered quantity, dark to light but never too light to print."""
    return [mpl.colormaps[SEQUENCE](0.9 * place / max(count - 1, 1)) for place in range(count)]


def titled(axis: str, value: Any) -> str:
    """Title of a panel that shows one value of an axis."""
    return value.replace("$", r"\$") if isinstance(value, str) else f"{SYMBOLS.get(axis, axis)} = {value:g}"
