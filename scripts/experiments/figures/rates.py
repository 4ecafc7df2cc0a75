"""Measured against predicted rates, with their ratio below."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.errors import InputError
from experiments.figures import style

MARKERS = {"product": "o", "mode": "s", "gramian": "^"}
WORDS = {"product": "‖X − X∞‖", "mode": "mode |σᵢ − σᵢ∞|", "gramian": "‖RRᵀ − R∞R∞ᵀ‖"}


def draw(tables: dict[str, pd.DataFrame]) -> Figure:
    """Log-log with the diagonal, coloured by dynamics; bounds are open markers; the ratio to the prediction below."""
    rates = tables["rates"].dropna(subset="measured")
    if rates["predicted"].isna().all():
        raise InputError("no rate that theory predicts was measured; draw the rates of another experiment")
    height = {"height_ratios": (2.2, 1)}
    figure, (top, bottom) = plt.subplots(
        2, 1, sharex=True, figsize=(style.TEXT_WIDTH, 2.4 * style.PANEL_HEIGHT), gridspec_kw=height
    )
    # Before anything is drawn, so that the margins are those of this scale.
    bottom.set_yscale("symlog", linthresh=1e-3)
    for (dynamics, quantity), some in rates.groupby(["dynamics", "quantity"], observed=True):
        mark = {"marker": MARKERS[quantity], "linestyle": "", "markersize": 3.5, "color": style.COLOURS[dynamics]}
        known, bounded = some.dropna(subset="predicted"), some.dropna(subset="bound").query("bound > 0")
        top.plot(known["predicted"], known["measured"], alpha=0.5, markeredgewidth=0, **mark)
        top.plot(bounded["bound"], bounded["measured"], markerfacecolor="none", markeredgewidth=0.6, **mark)
        bottom.plot(
            known["predicted"], known["measured"] / known["predicted"] - 1, alpha=0.5, markeredgewidth=0, **mark
        )
    known = rates.dropna(subset="predicted")
    ends = np.array([0.5 * known["predicted"].min(), 2.0 * known["predicted"].max()])
    top.set(xscale="log", yscale="log", ylabel="measured rate", xlim=ends, ylim=ends)
    top.plot(ends, ends, color=style.THEORY, linewidth=0.8)
    bottom.axhline(0.0, color=style.THEORY, linewidth=0.8)
    left_out = int((rates["bound"] < ends[0]).sum())
    label = f"predicted rate (open markers: lower bound; {left_out} bounds lie further left)"
    bottom.set(xlabel=label, ylabel="measured / predicted − 1")
    present = rates.groupby(["dynamics", "quantity"], observed=True).size().index
    colours = [
        Line2D([], [], color=style.COLOURS[name], marker="o", linestyle="", label=style.LABELS[name])
        for name in dict.fromkeys(present.get_level_values("dynamics"))
    ]
    marks = [
        Line2D([], [], color="#777777", marker=MARKERS[name], linestyle="", label=WORDS[name])
        for name in dict.fromkeys(present.get_level_values("quantity"))
    ]
    figure.legend(handles=colours + marks, loc="outside upper center", ncols=3)
    return figure


def numbers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a dynamics and quantity: how many rates were measured, how close to theory, and violations of the bound."""
    rates = tables["rates"].assign(
        error=lambda frame: (frame["measured"] / frame["predicted"] - 1).abs(),
        violated=lambda frame: frame["measured"] + frame["uncertainty"] < frame["bound"],
    )
    return pd.DataFrame(
        [
            {
                "dynamics": style.LABELS[dynamics],
                "rate of": WORDS[quantity],
                "measured": f"{some['measured'].notna().sum()} of {len(some)}",
                "median error": some["error"].median(),
                "within 1 %": f"{(some['error'] <= 0.01).sum()} of {some['error'].notna().sum()}",
                "bound violated": int(some["violated"].sum()),
            }
            for (dynamics, quantity), some in rates.groupby(["dynamics", "quantity"], observed=True)
        ]
    )
