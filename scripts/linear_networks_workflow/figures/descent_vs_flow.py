"""How far gradient descent is from gradient flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from linear_networks.components import Refused
from linear_networks.outcomes import DIVERGED
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, present, solvers
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from linear_networks_workflow.figures.tables import Rows

    Reference: TypeAlias = tuple[Callable[[Any], np.ndarray], float]

# The solvers that it is about.
DESCENT, FLOW = "descent", "flow"

# What descent and flow from the same start have in common, and what is drawn of a run besides.
START = ("experiment", "dynamics", "replicate")
HEAD = (*START, "step_size", "outcome")

# Replicates whose flows are held together.
TOGETHER = 32

# The error of a run that ends near Y.
NEAR = 0.1

# The law is asymptotic: it is fitted to step sizes up to this fraction of the largest that is stable.
ASYMPTOTIC = 1 / 16


class DescentVsFlow(Kind):
    """How far descent is from flow, against the step size: proportional to it while stable (Appendix G)."""

    name, label = "descent-vs-flow", "descent and flow"
    section = "G Descent and flow"
    shows = ("solver", "step_size")
    past_stability = True
    needs = {
        "runs": ("run", "experiment", "dynamics", "solver", "replicate", "step_size", "outcome"),
        "trajectories": ("run", "t", "error", "product"),
    }
    caption = """
    **How far gradient descent is from gradient flow.**

    The largest distance of descent from flow over time, relative to the largest ‖X‖ of the flow, against the step
    size η. Shaded: between the largest stable and the smallest unstable step size.

    What to see, where theory holds: straight lines of slope 1 in the logarithms. Below: the slopes, fitted to the
    smaller of the stable step sizes.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: 0.1}
        width: 4
        dynamics: [linear, asymmetric]
        solver: [{method: descent, step_size: [2.0e-3, 4.0e-3, 8.0e-3, 0.128, 4.096]}, {method: flow}]
        time: {horizon: 20.0, samples: 40, spacing: log, first: 1.0e-2}
        record: [product]
    figures:
      example: {kind: descent-vs-flow, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if not {DESCENT, FLOW} <= solvers(experiment):
            raise Refused("", f"needs both solvers, {DESCENT} and {FLOW}")
        if "product" not in experiment["record"]:
            raise Refused("", "needs record: [product]")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Largest distance of descent from flow over t, relative to the largest product; a line a dynamics, a panel an
        experiment; the band is where stability ends."""
        gaps = gaps_of(tables)
        shown = present(
            gaps[gaps["stable"] & (gaps["gap"] > 0.0)], "descent that differs from the flow and ends near Y"
        )
        experiments = list(dict.fromkeys(shown["experiment"]))
        size = (style.PAGE_WIDTH, style.PANEL_HEIGHT + 1.0)
        figure, axes = plt.subplots(1, len(experiments), sharey=True, squeeze=False, figsize=size)
        for panel, experiment in zip(axes[0], experiments, strict=True):
            for dynamics, some in gaps[gaps["experiment"] == experiment].groupby("dynamics", observed=True):
                look = style.look(dynamics)
                median = shown[shown["run"].isin(some["run"])].groupby("step_size")["gap"].median()
                slope = slope_of(some)
                label = look.label if np.isnan(slope) else f"{look.label}: slope {slope:.3f}"
                line = {"color": look.colour, "dashes": look.dashes, "label": label}
                panel.plot(median.index, median, "o", linestyle="-", markersize=3.5, **line)
                last, first = some[some["stable"]]["step_size"].max(), some[~some["stable"]]["step_size"].min()
                if np.isfinite(first - last):
                    panel.axvspan(last, first, color=look.colour, alpha=0.15, linewidth=0)
            panel.set(xscale="log", yscale="log", title=experiment, xlabel="step size η")
            panel.legend(loc="upper left", fontsize=7)
        axes[0, 0].set_ylabel("max over t of ‖X − X flow‖ / max ‖X flow‖")
        figure.supxlabel("shaded: between the largest stable and the smallest unstable step size", fontsize=7.5)
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row an experiment and dynamics: the slope of log gap against log step size, and the largest stable step."""
        gaps = gaps_of(tables)
        return pd.DataFrame(
            [
                {
                    "experiment": experiment,
                    "dynamics": style.look(dynamics).label,
                    "slope": slope_of(some),
                    "largest stable η": some["step_size"][some["stable"]].max(),
                }
                for (experiment, dynamics), some in gaps.groupby(["experiment", "dynamics"], observed=True)
            ]
        )


def gaps_of(tables: Tables) -> pd.DataFrame:
    """One row per run of descent: `gap` to the flow from the same start, and whether it is `stable`, ending near Y.

    Runs without a flow that moves, and two samples of it, are left out; InputError where all are.
    """
    replicates = sorted({number for block in tables["runs"].blocks() for number in block["replicate"].unique()})
    rows = []
    for begin in range(0, len(replicates), TOGETHER):
        some = replicates[begin : begin + TOGETHER]
        samples = tables["trajectories"].changed(partial(_of, some))
        flows: dict[tuple, list[Reference]] = {}
        for key, _, run in _runs_of(samples, FLOW):
            flows.setdefault(key, []).extend(_references(run))
        for key, head, run in _runs_of(samples, DESCENT):
            stable = head["outcome"] != DIVERGED and run["error"].iloc[-1] < NEAR
            gaps = (_gap(run, *reference) for reference in flows.get(key, []))
            rows += [{**head, "gap": gap, "stable": stable} for gap in gaps]
    return present(pd.DataFrame(rows), "descent beside a flow that moves and has two samples at least")


def _of(replicates: list[int], block: pd.DataFrame) -> pd.DataFrame:
    return block[block["replicate"].isin(replicates)]


def _runs_of(samples: Rows, solver: str) -> Iterator[tuple[tuple, dict[str, Any], pd.DataFrame]]:
    """The runs of a solver: what a run has in common with others from the same start, its row, and its samples."""
    for block in samples.changed(lambda block: block[block["solver"] == solver].sort_values("t")).blocks():
        for name, run in block.groupby("run", observed=True):
            head = {column: run[column].iloc[0] for column in HEAD}
            yield tuple(head[column] for column in START), {**head, "run": name}, run


def _products(run: pd.DataFrame) -> np.ndarray:
    return supporting.flat(run["product"])[0].reshape(len(run), -1)


def _references(run: pd.DataFrame) -> Iterator[Reference]:
    """The flow as a function of time, with the largest ||X|| on it; nothing of one that does not move."""
    from scipy.interpolate import CubicSpline

    products = _products(run)
    size = float(np.linalg.norm(products, axis=1).max())
    if len(products) >= 2 and size > 0.0:
        yield CubicSpline(run["t"], products), size


def _gap(run: pd.DataFrame, flow: Callable[[Any], np.ndarray], size: float) -> float:
    return float(np.linalg.norm(_products(run) - flow(run["t"]), axis=1).max() / size)


def slope_of(gaps: pd.DataFrame) -> float:
    """Slope of log gap against log step size, over the asymptotic range of the stable step sizes.

    NaN where there are no two of them.
    """
    from scipy.stats import linregress

    stable = gaps[gaps["stable"] & (gaps["gap"] > 0.0)]
    some = stable[stable["step_size"] <= ASYMPTOTIC * stable["step_size"].max()]
    if some["step_size"].nunique() < 2:
        return np.nan
    return float(linregress(np.log(some["step_size"]), np.log(some["gap"])).slope)
