"""Training loss and recovery of the teacher by the two networks behind a sigmoid, a row a value of the imbalance."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style

# How far the loss must fall for the comparison of times below the caption.
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
            sns.lineplot(some, x="t", y=quantity, ax=axis, **style.by_dynamics(order), **style.SPREAD)
            axis.set(xscale="log", yscale="log", xlabel="time t")
        panels[0].set(title=f"‖Q₀‖₂ = {value:g}", ylabel="training loss ½‖B − φ(AX)‖²")
        panels[1].set(title=f"‖Q₀‖₂ = {value:g}", ylabel="‖W* − X‖ / ‖W*‖")
    figure.legend(handles=list(map(style.line, order)), loc="outside upper center", ncols=2)
    return figure


def numbers(tables: dict[str, pd.DataFrame], rows: str) -> pd.DataFrame:
    """A row a value of the axis `rows`: the median times to a hundredth of the first loss, and how much sooner the
    two-layer network gets there than from the first value, replicate by replicate."""
    runs = tables["runs"].set_index("run")
    times = supporting.time_to_fall(tables["trajectories"], "loss", REACHED).rename("time").to_frame()
    times = times.join(runs[[rows, "dynamics", "replicate"]])
    medians = times.groupby([rows, "dynamics"], observed=True)["time"].median().unstack()
    two_layer = times[times["dynamics"] == "sigmoid-asymmetric"].pivot(index="replicate", columns=rows, values="time")
    sooner = two_layer[two_layer.columns[:1]].to_numpy() / two_layer
    return pd.DataFrame(
        {
            "‖Q₀‖₂": medians.index,
            "one-layer: t to 1 %": medians["sigmoid-linear"].to_numpy(),
            "two-layer: t to 1 %": medians["sigmoid-asymmetric"].to_numpy(),
            "two-layer, times sooner": [
                f"{sooner[value].median():.3g} (from {sooner[value].min():.3g} to {sooner[value].max():.3g})"
                for value in medians.index
            ],
        }
    )
