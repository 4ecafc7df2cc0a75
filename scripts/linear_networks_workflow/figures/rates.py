"""Measured against predicted rates, with their ratio and its uncertainty below; a column of panels a dynamics."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import style
from linear_networks_workflow.stages.tables import against_theory

# Told apart without colours too: by their form, by lightness, and by the panels that the dynamics have.
MARKS: dict[str, dict[str, Any]] = {
    "product": {"marker": "o", "color": "#D55E00"},
    "mode": {"marker": "s", "color": "#56B4E9"},
    "gramian": {"marker": "^", "color": "#222222"},
}
WORDS = {"product": "‖X − X∞‖", "mode": "mode |σᵢ − σᵢ∞|", "gramian": "‖RRᵀ − R∞R∞ᵀ‖"}

SMALL: dict[str, Any] = {"linestyle": "", "markersize": 3.5}

# Up to this, the scale of the relative differences is linear.
LINEAR = 1e-4


def draw(tables: dict[str, pd.DataFrame]) -> Figure:
    """Log-log with the diagonal, where open markers are bounds; below, measured / predicted - 1, with the measured
    uncertainty as bars. One column of panels a dynamics."""
    rates = tables["rates"].dropna(subset="measured")
    known = rates.dropna(subset="predicted")
    if known.empty:
        raise InputError("no rate that theory predicts was measured; draw the rates of another experiment")
    shown = rates[rates["predicted"].notna() | (rates["bound"] > 0)]
    groups = dict(list(shown.groupby("dynamics", observed=True)))
    size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.6)
    figure, axes = plt.subplots(2, len(groups), sharex="col", sharey="row", squeeze=False, figsize=size)
    # Before anything is drawn, so that the margins are those of this scale.
    axes[1, 0].set_yscale("symlog", linthresh=LINEAR)
    ends = np.array([0.5 * known["predicted"].min(), 2.0 * known["predicted"].max()])
    for (top, bottom), (dynamics, some) in zip(axes.T, groups.items(), strict=True):
        _rates(some, top)
        _differences(some, bottom)
        top.plot(ends, ends, color=style.THEORY, linewidth=0.8, zorder=1)
        top.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        top.set_title(style.LABELS[dynamics], fontsize=8)
    axes[0, 0].set_ylabel("measured rate")
    axes[1, 0].set_ylabel("measured / predicted − 1")
    left_out = int((rates["bound"] < ends[0]).sum())
    figure.supxlabel(f"predicted rate (open markers: lower bound; {left_out} bounds lie further left)", fontsize=8)
    handles = [
        Line2D([], [], linestyle="", label=WORDS[name], **mark)
        for name, mark in MARKS.items()
        if name in set(rates["quantity"])
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def numbers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a dynamics, solver and quantity: how many rates were measured, how close they are to theory, how many have
    the prediction within their uncertainty, and violations of the bound."""
    rates = against_theory(tables["rates"]).assign(error=lambda frame: (frame["ratio"] - 1).abs())
    return pd.DataFrame(
        [
            {
                "dynamics": style.LABELS[dynamics],
                "solver": solver,
                "rate of": WORDS[quantity],
                "measured": f"{some['measured'].notna().sum()} of {len(some)}",
                "median error": some["error"].median(),
                "within 1 %": f"{(some['error'] <= 0.01).sum()} of {some['error'].notna().sum()}",
                "within uncertainty": f"{some['inside'].sum()} of {some['error'].notna().sum()}",
                "bound violated": int(some["violations"].sum()),
            }
            for (dynamics, solver, quantity), some in rates.groupby(["dynamics", "solver", "quantity"], observed=True)
        ]
    )


def _rates(rates: pd.DataFrame, axes: Axes) -> None:
    for quantity, mark in MARKS.items():
        some = rates[rates["quantity"] == quantity]
        axes.plot(some["predicted"], some["measured"], **SMALL, **mark, alpha=0.6, markeredgewidth=0)
        some = some[some["bound"] > 0]
        axes.plot(some["bound"], some["measured"], **SMALL, **mark, markerfacecolor="none", markeredgewidth=0.6)


def _differences(rates: pd.DataFrame, axes: Axes) -> None:
    for quantity, mark in MARKS.items():
        some = rates[rates["quantity"] == quantity].dropna(subset="predicted")
        ratio, bar = (some[name] / some["predicted"] for name in ("measured", "uncertainty"))
        axes.errorbar(some["predicted"], ratio - 1, bar, elinewidth=0.6, alpha=0.6, markeredgewidth=0, **SMALL, **mark)
    axes.axhline(0.0, color=style.THEORY, linewidth=0.8, zorder=1)
