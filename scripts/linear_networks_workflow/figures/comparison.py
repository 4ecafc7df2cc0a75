"""The two-layer flow and the regularized flow that is closest to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, along, axis, fitted, sampled
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The dynamics that it is about.
GENERAL, REGULARIZED = "asymmetric", "regularized"

# Below, the two flows are both at Y, and what is left shows their solvers.
LEAST_ERROR = 1e-8

LINES: dict[str, dict[str, Any]] = {
    REGULARIZED: {"linestyle": "-", "linewidth": 1.2},
    GENERAL: {"linestyle": "--", "linewidth": 1.8},
}
WORDS = {GENERAL: "general flow (asymmetric)", REGULARIZED: "regularized with the fitted λ₀"}


class Comparison(Kind):
    """The general flow against the regularized flow with the lambda0 that comes closest to it."""

    name, label = "comparison", "general and regularized flow"
    many = False
    section = "5 Numerical experiments"
    dynamics = (GENERAL, REGULARIZED)
    parameters = {"columns": axis("one column of panels a value")}
    needs = {
        "runs": ("run", "dynamics", "replicate"),
        "trajectories": ("run", "t", "error", "singular_values"),
        "lambda0": ("run", "lambda0", "gap_max", "gap_l2"),
    }
    caption = """
    **The two-layer flow and the regularized flow that is closest to it.**

    The two-layer flow from a Gaussian start (dashed), beside the regularized flow (19) with Λ = λ₀I (solid), which
    Proposition 5 solves, with the λ₀ that comes closest to it. Top: relative error. Bottom: singular values of
    X(t).

    What to see, where theory holds: the two are close, though not the same. Below: the fitted λ₀, the largest
    ‖Xᴵ − X‖ / ‖X‖ over time, and its mean square over time.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: 1.0}
        width: [4, 8]
        dynamics: [asymmetric, {name: regularized, lambda0: fit}]
        solver: {method: flow}
        time: {horizon: 1.0, samples: 40, spacing: log, first: 1.0e-2}
    figures:
      example: {kind: comparison, experiment: example, columns: width}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        fitted(experiment, REGULARIZED, "lambda0")

    @staticmethod
    def draw(tables: Tables, columns: str) -> Figure:
        """Error on top, singular values below, a column a value of the axis `columns`: the first replicate of each."""
        runs = tables["runs"].changed(_first).frame().set_index("run")
        trajectories = sampled(tables["trajectories"].changed(_first).frame())
        fits = tables["lambda0"].changed(_first).frame().set_index("run")
        lines = {name: {"color": style.look(name).colour, **line} for name, line in LINES.items()}
        values = along(runs, columns)
        size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.4)
        figure, axes = plt.subplots(2, len(values), sharex=True, sharey="row", squeeze=False, figsize=size)
        for (top, bottom), value in zip(axes.T, values, strict=True):
            for dynamics, line in lines.items():
                # The general flow does not have every axis: then it is the same at each value.
                here = (runs[columns] == value) | runs[columns].isna()
                (run,) = runs.index[here & (runs["dynamics"] == dynamics)]
                samples = trajectories[trajectories["run"] == run]
                top.plot(samples["t"], samples["error"], **line)
                if len(samples):
                    bottom.plot(samples["t"], np.stack(samples["singular_values"]), **line)
                if dynamics == GENERAL:
                    fit = fits.loc[run]
            top.set(xscale="log", yscale="log", title=f"{style.titled(columns, value)},  λ₀ = {fit['lambda0']:.1f}")
            gaps = f"‖Xᴵ − X‖ / ‖X‖:\nat most {fit['gap_max']:.2f}\nin L² {fit['gap_l2']:.3f}"
            bottom.text(0.97, 0.95, gaps, transform=bottom.transAxes, ha="right", va="top", fontsize=7.5)
            bottom.set(xlabel="time t")
        axes[0, 0].set_ylim(LEAST_ERROR, None)
        axes[0, 0].set_ylabel("relative error ‖Y − X‖ / ‖Y‖")
        axes[1, 0].set_ylabel("singular values of X(t)")
        handles = [plt.Line2D([], [], label=words, **lines[dynamics]) for dynamics, words in WORDS.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=2)
        return figure

    @staticmethod
    def numbers(tables: Tables, columns: str) -> pd.DataFrame:
        """A row a value of the axis `columns`: the fitted lambda0, and how far the two flows are apart, as drawn."""
        runs = tables["runs"].changed(_first).frame().query("dynamics == @GENERAL").set_index("run")
        fits = tables["lambda0"].changed(_first).frame().set_index("run").reindex(runs.index)
        names = {
            columns: style.symbol(columns),
            "lambda0": "λ₀",
            "gap_max": "largest gap",
            "gap_l2": "L² gap",
        }
        return fits.assign(**{columns: runs[columns]}).sort_values(columns)[list(names)].rename(columns=names)


def _first(block: pd.DataFrame) -> pd.DataFrame:
    """What is of the first replicate."""
    return block[block["replicate"] == 0]
