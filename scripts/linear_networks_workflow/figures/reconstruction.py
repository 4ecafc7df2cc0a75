"""The one- against the two-layer model: error on top, singular values of X(t) relative to those of Y below."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style

ORDER = ["linear", "asymmetric"]

# How far the error must fall for the comparison of times.
REACHED = 0.01

# Modes of Y below this fraction of the largest are rounding: there is nothing to learn of them.
LEAST = 1e-10


def draw(tables: dict[str, pd.DataFrame], columns: str) -> Figure:
    """Two rows of panels, one column a value of the axis `columns`; median line and 10-90 % band over replicates."""
    runs = tables["runs"].set_index("run")
    trajectories = tables["trajectories"].query("t > 0")
    trajectories = trajectories.assign(panel=trajectories["run"].map(runs[columns]))
    values = sorted(runs[columns].unique())
    size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.4)
    figure, axes = plt.subplots(2, len(values), sharex=True, squeeze=False, figsize=size)
    spectra = tables["matrices"].set_index("matrix")["singular_values"]
    count = min(int(np.sum(values > LEAST * values[0])) for values in spectra)
    for (top, bottom), value in zip(axes.T, values, strict=True):
        top.sharey(axes[0, 0])
        panel = trajectories[trajectories["panel"] == value]
        _errors(panel, top)
        two_layer = panel[panel["dynamics"] == "asymmetric"]
        _learned(two_layer, np.stack(two_layer["run"].map(runs["matrix"]).map(spectra)), count, bottom)
        top.set(title=style.titled(columns, value), ylabel="")
        bottom.set(xlabel="time t", ylabel="", ylim=(0, None))
        top.label_outer()
    axes[0, 0].set_ylabel("relative error ‖Y − X‖ / ‖Y‖")
    axes[1, 0].set_ylabel("two-layer σᵢ(X) / σᵢ(Y)")
    _legends(figure, count)
    return figure


def numbers(tables: dict[str, pd.DataFrame], columns: str) -> pd.DataFrame:
    """A row a value of the axis `columns`: the median times to a hundredth of the first error, and their ratio."""
    runs = tables["runs"].set_index("run")
    times = supporting.time_to_fall(tables["trajectories"], "error", REACHED)
    medians = times.groupby([times.index.map(runs[columns]), times.index.map(runs["dynamics"])]).median().unstack()
    return pd.DataFrame(
        {
            style.SYMBOLS.get(columns, columns): medians.index,
            "one-layer: t to 1 %": medians["linear"].to_numpy(),
            "two-layer: t to 1 %": medians["asymmetric"].to_numpy(),
            "times faster": (medians["linear"] / medians["asymmetric"]).to_numpy(),
        }
    )


def _errors(panel: pd.DataFrame, axes: Axes) -> None:
    sns.lineplot(panel, x="t", y="error", ax=axes, **style.by_dynamics(ORDER), **style.SPREAD)
    axes.set(xscale="log", yscale="log")


def _learned(panel: pd.DataFrame, targets: np.ndarray, count: int, axes: Axes) -> None:
    learned = np.stack(panel["singular_values"])[:, :count] / targets[:, :count]
    long = pd.DataFrame(
        {
            "t": np.repeat(panel["t"].to_numpy(), count),
            "mode": np.tile(np.arange(count), len(panel)),
            "learned": learned.ravel(),
        }
    )
    sns.lineplot(long, x="t", y="learned", hue="mode", palette=style.sequence(count), ax=axes, **style.SPREAD)
    axes.axhline(1.0, color=style.THEORY, linestyle="--", linewidth=0.8)


def _legends(figure: Figure, count: int) -> None:
    figure.legend(handles=list(map(style.line, ORDER)), loc="outside upper center", ncols=2)
    modes = [Line2D([], [], color=colour, label=f"i = {i + 1}") for i, colour in enumerate(style.sequence(count))]
    theory = [Line2D([], [], color=style.THEORY, linestyle="--", linewidth=0.8, label="learned")]
    title = "singular values relative to those of Y, from the largest; bands: 10-90 % of replicates"
    figure.legend(handles=modes + theory, title=title, loc="outside lower center", ncols=6)
