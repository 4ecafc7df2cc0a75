"""The one- against the two-layer model: error on top, singular values of X(t) against those of Y below."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.figures import style

SYMBOLS = {"scale": "σ", "width": "k", "step_size": "η", "rows": "m", "columns": "n"}
BAND = ("pi", 80)


def draw(trajectories: pd.DataFrame, runs: pd.DataFrame, matrices: pd.DataFrame, columns: str) -> Figure:
    """Two rows of panels, one column a value of the axis `columns`; median line and 10-90 % band over replicates."""
    import matplotlib.pyplot as plt

    runs = runs.set_index("run")
    trajectories = trajectories[trajectories["t"] > 0].assign(panel=lambda frame: frame["run"].map(runs[columns]))
    values = sorted(runs[columns].unique())
    figure, axes = plt.subplots(
        2,
        len(values),
        sharex=True,
        squeeze=False,
        figsize=(style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.4),
    )
    spectra = matrices.set_index("matrix")["singular_values"]
    for (top, bottom), value in zip(axes.T, values, strict=True):
        top.sharey(axes[0, 0])
        panel = trajectories[trajectories["panel"] == value]
        _errors(panel, top)
        two_layer = panel[panel["dynamics"] == "asymmetric"]
        _singular_values(two_layer, spectra[runs.loc[two_layer["run"].unique(), "matrix"].unique()], bottom)
        top.set(title=f"{SYMBOLS.get(columns, columns)} = {value:g}", ylabel="")
        bottom.set(xlabel="time t", ylabel="", ylim=(0, None))
    for top in axes[0]:
        top.label_outer()
    axes[0, 0].set_ylabel("relative error ‖Y − X‖ / ‖Y‖")
    axes[1, 0].set_ylabel("singular values of two-layer X")
    _legends(figure, len(spectra.iloc[0]))
    return figure


def _errors(panel: pd.DataFrame, axes: Axes) -> None:
    sns.lineplot(
        panel,
        x="t",
        y="error",
        hue="dynamics",
        hue_order=["linear", "asymmetric"],
        palette=style.COLOURS,
        estimator="median",
        errorbar=BAND,
        legend=False,
        ax=axes,
    )
    axes.set(xscale="log", yscale="log")


def _singular_values(panel: pd.DataFrame, spectra: pd.Series, axes: Axes) -> None:
    long = panel[["t", "singular_values"]].explode("singular_values")
    count = len(spectra.iloc[0])
    long["mode"] = np.tile(np.arange(count), len(panel))
    long["singular_values"] = long["singular_values"].astype(float)
    sns.lineplot(
        long,
        x="t",
        y="singular_values",
        hue="mode",
        palette=style.sequence(count),
        estimator="median",
        errorbar=BAND,
        legend=False,
        ax=axes,
    )
    for value in np.median(np.stack(spectra), axis=0):
        axes.axhline(value, color=style.THEORY, linestyle="--", linewidth=0.8)


def _legends(figure: Figure, count: int) -> None:
    errors = [Line2D([], [], color=style.COLOURS[name], label=style.LABELS[name]) for name in ("linear", "asymmetric")]
    figure.legend(handles=errors, loc="outside upper center", ncols=2)
    modes = [Line2D([], [], color=colour, label=f"i = {i + 1}") for i, colour in enumerate(style.sequence(count))]
    theory = [Line2D([], [], color=style.THEORY, linestyle="--", linewidth=0.8, label="those of Y")]
    figure.legend(
        handles=modes + theory,
        title="singular values, from the largest; bands: 10-90 % of replicates",
        title_fontsize=8,
        loc="outside lower center",
        ncols=6,
    )
