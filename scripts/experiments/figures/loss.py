"""Training loss and recovery of the teacher by the two networks behind a sigmoid, a row a value of the imbalance."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.figures import style

# How far the loss must fall for the comparison of times in the caption.
REACHED = 0.01


def draw(tables: dict[str, pd.DataFrame], rows: str) -> Figure:
    """Loss (left) and error (right) over time, a row of panels a value of the axis `rows`."""
    runs = tables["runs"].set_index("run")
    trajectories = tables["trajectories"].assign(
        row=lambda frame: frame["run"].map(runs[rows]), matrix=lambda frame: frame["run"].map(runs["matrix"])
    )
    values = sorted(runs[rows].unique())
    size = (style.PAGE_WIDTH, len(values) * style.PANEL_HEIGHT + 0.9)
    figure, axes = plt.subplots(len(values), 2, sharex=True, sharey="col", squeeze=False, figsize=size)
    order = ["sigmoid-linear", "sigmoid-asymmetric"]
    for panels, value in zip(axes, values, strict=True):
        some = trajectories[(trajectories["row"] == value) & (trajectories["t"] > 0)]
        for axis, quantity in zip(panels, ("loss", "error"), strict=True):
            palette = {name: style.COLOURS[name] for name in order}
            sns.lineplot(
                some, x="t", y=quantity, hue="dynamics", hue_order=order, palette=palette, ax=axis, **style.SPREAD
            )
            axis.set(xscale="log", yscale="log", xlabel="time t")
        panels[0].set(title=f"‖Q₀‖₂ = {value:g}", ylabel="training loss ½‖B − φ(AX)‖²")
        panels[1].set(title=f"‖Q₀‖₂ = {value:g}", ylabel="‖W* − X‖ / ‖W*‖")
    handles = [Line2D([], [], color=style.COLOURS[name], label=style.LABELS[name]) for name in order]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    figure.supxlabel(_caption(trajectories, values), fontsize=7.5)
    return figure


def _caption(trajectories: pd.DataFrame, values: list[float]) -> str:
    """How much sooner the most imbalanced start reaches a fraction of the first loss than the most balanced one."""
    times = {
        value: _time_to_reach(trajectories[(trajectories["row"] == value) & _two_layer(trajectories)])
        for value in (values[0], values[-1])
    }
    ratio = (times[values[0]] / times[values[-1]]).dropna()
    if ratio.empty:
        return f"The two-layer loss does not fall to {REACHED:.0%} of its start within these times."
    return (
        f"The two-layer loss falls to {REACHED:.0%} of its start {ratio.median():.1f} times sooner at ‖Q₀‖₂ = "
        f"{values[-1]:g} than at {values[0]:g}\n"
        f"(median of {len(ratio)} replicates, from {ratio.min():.1f} to {ratio.max():.1f})."
    )


def _two_layer(trajectories: pd.DataFrame) -> pd.Series:
    return trajectories["dynamics"] == "sigmoid-asymmetric"


def _time_to_reach(trajectories: pd.DataFrame) -> pd.Series:
    """By replicate, the first time at which the loss is below a fraction of its start; NaN if never."""

    def first(run: pd.DataFrame) -> float:
        run = run.sort_values("t")
        below = run["loss"] <= REACHED * run["loss"].iloc[0]
        return float(run["t"][below].iloc[0]) if below.any() else np.nan

    return trajectories.groupby("replicate")[["t", "loss"]].apply(first)
