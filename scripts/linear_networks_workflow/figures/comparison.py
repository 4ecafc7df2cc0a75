"""The general flow against the regularized flow with the lambda0 that comes closest to it."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linear_networks_workflow.figures import style

# Below, the two flows are both at Y, and what is left shows their solvers.
LEAST_ERROR = 1e-8

LINES: dict[str, dict[str, Any]] = {
    "regularized": {"color": style.COLOURS["regularized"], "linestyle": "-", "linewidth": 1.2},
    "asymmetric": {"color": style.COLOURS["asymmetric"], "linestyle": "--", "linewidth": 1.8},
}


def draw(tables: dict[str, pd.DataFrame], columns: str) -> Figure:
    """Error on top, singular values below, one column a value of the axis `columns`: the first replicate of each."""
    runs = tables["runs"].query("replicate == 0").set_index("run")
    trajectories = tables["trajectories"].query("t > 0")
    fits = tables["lambda0"].set_index("run")
    values = sorted(runs[columns].unique())
    size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.4)
    figure, axes = plt.subplots(2, len(values), sharex=True, sharey="row", squeeze=False, figsize=size)
    for (top, bottom), value in zip(axes.T, values, strict=True):
        for dynamics, line in LINES.items():
            (run,) = runs.index[(runs[columns] == value) & (runs["dynamics"] == dynamics)]
            samples = trajectories[trajectories["run"] == run]
            top.plot(samples["t"], samples["error"], **line)
            bottom.plot(samples["t"], np.stack(samples["singular_values"]), **line)
            if dynamics == "asymmetric":
                fit = fits.loc[run]
        top.set(xscale="log", yscale="log", title=f"{style.titled(columns, value)},  λ₀ = {fit['lambda0']:.1f}")
        gaps = f"‖Xᴵ − X‖ / ‖X‖:\nat most {fit['gap_max']:.2f}\nin L² {fit['gap_l2']:.3f}"
        bottom.text(0.97, 0.95, gaps, transform=bottom.transAxes, ha="right", va="top", fontsize=7.5)
        bottom.set(xlabel="time t")
    axes[0, 0].set_ylim(LEAST_ERROR, None)
    axes[0, 0].set_ylabel("relative error ‖Y − X‖ / ‖Y‖")
    axes[1, 0].set_ylabel("singular values of X(t)")
    labels = {"asymmetric": "general flow (asymmetric)", "regularized": "regularized with the fitted λ₀"}
    handles = [Line2D([], [], label=labels[dynamics], **LINES[dynamics]) for dynamics in labels]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def numbers(tables: dict[str, pd.DataFrame], columns: str) -> pd.DataFrame:
    """A row a value of the axis `columns`: the fitted lambda0, and how far the two flows are apart, as drawn."""
    runs = tables["runs"].query("replicate == 0 and dynamics == 'asymmetric'")
    drawn = tables["lambda0"].drop(columns=columns, errors="ignore").merge(runs[["run", columns]], on="run")
    names = {
        columns: style.SYMBOLS.get(columns, columns),
        "lambda0": "λ₀",
        "gap_max": "largest gap",
        "gap_l2": "L² gap",
    }
    return drawn.sort_values(columns)[list(names)].rename(columns=names)
