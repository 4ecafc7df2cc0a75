"""How far each mode has been learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, sampled
from linear_networks_workflow.figures.libraries import pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The dynamics that it is about.
TWO = "asymmetric"

# The solvers that measure, and the one that is theory.
DASHES = {"descent": (1, 0), "flow": (3, 2)}
EXACT = "exact"


class Modes(Kind):
    """How far each mode has been learned, sigma_i(t) / sigma_i: as solvers measured, with the closed form behind it."""

    name, label = "modes", "learned part of each mode"
    section = "1 Balanced or not, spectral or not"
    dynamics = (TWO,)
    shows = ("solver", "step_size")
    needs = {
        "matrices": ("matrix", "singular_values"),
        "runs": ("run", "experiment", "dynamics", "solver", "matrix"),
        "trajectories": ("run", "solver", "t", "singular_values"),
    }
    caption = """
    **How far each mode has been learned.**

    The learned part σᵢ(t) / σᵢ of every mode under the two-layer dynamics (10), by flow and by descent. Thin dark
    lines are the closed form: (15) for spectral starts, the Riccati solution (21) for balanced ones, where there is
    one.

    What to see, where theory holds: the solvers lie on the closed form; balanced curves rise one by one, imbalanced
    ones close to each other. Below: the median times at which the largest and the smallest mode are half learned.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 2, columns: 3, values: [2.0, 1.0]}
        initialization: {kind: balanced, scale: 1.0e-2}
        width: 4
        dynamics: [asymmetric]
        solver: [{method: descent, step_size: 1.0e-2}, {method: flow}, {method: exact}]
        time: {horizon: 10.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: modes, experiment: example}
    """

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """One panel an experiment: the two-layer model by every solver; thin dark lines are the closed form."""
        runs = tables["runs"].frame().query("dynamics == @TWO")
        learned = tables["trajectories"].changed(_learned)
        curves = sampled(learned.spreads("learned", ["experiment", "mode", "solver", "t"]))
        colours = style.sequence(curves["mode"].max() + 1)
        experiments = list(dict.fromkeys(runs["experiment"]))
        columns = min(len(experiments), 2)
        rows = -(-len(experiments) // columns)
        size = (style.PAGE_WIDTH, rows * style.PANEL_HEIGHT + 0.6)
        figure, axes = plt.subplots(rows, columns, sharey=True, squeeze=False, figsize=size)
        for panel, experiment in zip(axes.ravel(), experiments, strict=False):
            _panel(curves[curves["experiment"] == experiment], panel, colours)
            panel.set(title=experiment.replace("-", ", "), xlabel="time t", ylabel="learned part σᵢ(t) / σᵢ")
            panel.label_outer(remove_inner_ticks=False)
            panel.set_xlabel("time t")
        for unused in axes.ravel()[len(experiments) :]:
            unused.remove()
        _legend(figure, colours, sorted(set(runs["solver"])))
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row an experiment: the median times at which the largest and the smallest mode are half learned."""
        ends = tables["trajectories"].changed(lambda block: _halves(_learned(block))).frame()
        medians = ends.groupby("experiment", sort=False).median()
        return pd.DataFrame(
            {
                "experiment": medians.index,
                "largest mode: t to 1/2": medians["first"].to_numpy(),
                "smallest mode: t to 1/2": medians["last"].to_numpy(),
                "times later": (medians["last"] / medians["first"]).to_numpy(),
            }
        )


def _learned(samples: pd.DataFrame) -> pd.DataFrame:
    return supporting.learned(samples[samples["dynamics"] == TWO])


def _halves(learned: pd.DataFrame) -> pd.DataFrame:
    """By run, when the first and the last of its modes are half learned."""
    times = supporting.times_to(learned, "learned", 0.5, ["run", "mode"], falling=False).sort_values("mode")
    runs = times.groupby("run", observed=True, sort=False)
    return pd.DataFrame(
        {"experiment": runs["experiment"].first(), "first": runs["time"].first(), "last": runs["time"].last()}
    )


def _panel(curves: pd.DataFrame, panel: Axes, colours: list) -> None:
    for mode, colour in enumerate(colours):
        here = curves[curves["mode"] == mode]
        for solver, dashes in DASHES.items():
            style.curve(here[here["solver"] == solver], panel, color=colour, dashes=dashes)
    for _, exact in curves[curves["solver"] == EXACT].groupby("mode"):
        panel.plot(exact["t"], exact["median"], color=style.THEORY, linewidth=0.6)
    panel.set(xscale="log")


def _legend(figure: Figure, colours: list, solvers: list[str]) -> None:
    modes = [plt.Line2D([], [], color=colour, label=f"i = {i + 1}") for i, colour in enumerate(colours)]
    lines = {name: plt.Line2D([], [], color="#777777", dashes=dashes, label=name) for name, dashes in DASHES.items()}
    lines[EXACT] = plt.Line2D([], [], color=style.THEORY, linewidth=0.6, label="closed form")
    handles = modes + [line for solver, line in lines.items() if solver in solvers]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
