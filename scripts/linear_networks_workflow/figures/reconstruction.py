"""The one- and the two-layer model from the same starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, along, axis, sampled
from linear_networks_workflow.figures.libraries import pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The dynamics that it is about.
ONE, TWO = "linear", "asymmetric"

# How far the error must fall for the comparison of times.
REACHED = 0.01


class Reconstruction(Kind):
    """The one- against the two-layer model: error on top, singular values of X(t) relative to those of Y below."""

    name, label = "reconstruction", "one- and two-layer model from the same starts"
    many = False
    section = "5 Numerical experiments"
    dynamics = (ONE, TWO)
    parameters = {"columns": axis("one column of panels a value")}
    needs = {
        "matrices": ("matrix", "singular_values"),
        "runs": ("run", "matrix", "dynamics"),
        "trajectories": ("run", "dynamics", "t", "error", "singular_values"),
    }
    caption = """
    **The one- and the two-layer model from the same starts.**

    Top: the relative error ‖Y − X‖ / ‖Y‖ of the one-layer model dX/dt = Y − X (2) and of the two-layer model (10)
    from the same X(0). Bottom: the singular values of the two-layer X(t) relative to those of Y, each of its own
    draw: 1 (dashed) is learned. Lines are medians over the replicates that have not diverged by then, bands 10 to
    90 % of these. Singular values of Y that are 0 are left out.

    What to see, where theory holds: from a small start, singular values are learned one after another, the largest
    first; from a large one, together and much sooner. Below: the median times at which the error is a hundredth of
    its start, its logarithm interpolated between samples.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: [0.1, 1.0]}
        width: 4
        dynamics: [linear, asymmetric]
        solver: {method: descent, step_size: 1.0e-2}
        time: {horizon: 10.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: reconstruction, experiment: example, columns: scale}
    """

    @staticmethod
    def draw(tables: Tables, columns: str) -> Figure:
        """Two rows of panels, a column a value of the axis `columns`; median line and 10-90 % band over replicates."""
        samples, runs = tables["trajectories"], tables["runs"].frame()
        values = along(runs[runs["dynamics"].isin([ONE, TWO])], columns)
        errors = sampled(samples.spreads("error", [columns, "dynamics", "t"]))
        two_layer = samples.changed(lambda block: supporting.learned(block[block["dynamics"] == TWO]))
        learned = sampled(two_layer.spreads("learned", [columns, "mode", "t"]))
        colours = style.sequence(learned["mode"].max() + 1)
        size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.4)
        figure, axes = plt.subplots(2, len(values), sharex=True, squeeze=False, figsize=size)
        for (top, bottom), value in zip(axes.T, values, strict=True):
            top.sharey(axes[0, 0])
            _errors(errors[errors[columns] == value], top)
            _learned(learned[learned[columns] == value], colours, bottom)
            top.set(title=style.titled(columns, value), ylabel="")
            bottom.set(xlabel="time t", ylabel="", ylim=(0, None))
            top.label_outer()
        axes[0, 0].set_ylabel("relative error ‖Y − X‖ / ‖Y‖")
        axes[1, 0].set_ylabel("two-layer σᵢ(X) / σᵢ(Y)")
        _legends(figure, colours)
        return figure

    @staticmethod
    def numbers(tables: Tables, columns: str) -> pd.DataFrame:
        """A row a value of the axis `columns`: the median times to a hundredth of the first error, and their ratio."""
        fallen = tables["trajectories"].changed(lambda block: supporting.times_to(block, "error", REACHED))
        times = fallen.changed(lambda runs: runs[[columns, "dynamics", "time"]]).frame()
        medians = times.groupby([columns, "dynamics"])["time"].median().unstack()
        medians = medians.reindex(columns=[ONE, TWO])
        return pd.DataFrame(
            {
                style.symbol(columns): medians.index,
                "one-layer: t to 1 %": medians[ONE].to_numpy(),
                "two-layer: t to 1 %": medians[TWO].to_numpy(),
                "times faster": (medians[ONE] / medians[TWO]).to_numpy(),
            }
        )


def _errors(panel: pd.DataFrame, axes: Axes) -> None:
    style.by_dynamics(panel, [ONE, TWO], axes)
    axes.set(xscale="log", yscale="log")


def _learned(panel: pd.DataFrame, colours: list, axes: Axes) -> None:
    for mode, colour in enumerate(colours):
        style.curve(panel[panel["mode"] == mode], axes, color=colour)
    axes.axhline(1.0, color=style.THEORY, linestyle="--", linewidth=0.8)


def _legends(figure: Figure, colours: list) -> None:
    figure.legend(handles=list(map(style.line, [ONE, TWO])), loc="outside upper center", ncols=2)
    modes = [plt.Line2D([], [], color=colour, label=f"i = {i + 1}") for i, colour in enumerate(colours)]
    theory = [plt.Line2D([], [], color=style.THEORY, linestyle="--", linewidth=0.8, label="learned")]
    title = "singular values relative to those of Y, from the largest; bands: 10-90 % of replicates"
    figure.legend(handles=modes + theory, title=title, loc="outside lower center", ncols=6)
