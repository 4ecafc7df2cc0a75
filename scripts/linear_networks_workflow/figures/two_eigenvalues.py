"""Wide starts, whose imbalance has two eigenvalues, and the flows that follow from these without a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, fitted, present
from linear_networks_workflow.figures.libraries import mpl, np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The dynamics that it is about.
GENERAL, REGULARIZED = "asymmetric", "regularized"
WANTED = "Gaussian start with a scale > 0 and a width of at least m + n"

# The flows that are compared with the general one, by their column.
FIT, MEAN, WIDE = "gap_l2", "mean_gap_l2", "wide_gap_l2"
LINES: dict[str, dict[str, Any]] = {
    FIT: {"color": "#222222", "marker": "o", "label": "one eigenvalue: the best λ₀, fitted"},
    WIDE: {"color": "#009E73", "marker": "s", "label": "two: ±kσ², nothing fitted"},
    MEAN: {"color": "#CC79A7", "marker": "^", "linestyle": "--", "label": "two: means of Q's, nothing fitted"},
}


class TwoEigenvalues(Kind):
    """Eigenvalues of Q against the width, and how far flows of one and of two eigenvalues are from the general one."""

    name, label = "two-eigenvalues", "wide starts have two eigenvalues of Q"
    many = False
    section = "5 Numerical experiments"
    dynamics = (GENERAL, REGULARIZED)
    shows = ("width",)
    needs = {
        "runs": ("run", "imbalance_eigenvalues"),
        "lambda0": ("run", "width", "wide_tau", *LINES),
    }
    caption = r"""
    **Wide starts have two eigenvalues of Q: Figure 2 without a fit.**

    Left: the eigenvalues of Q(0) = UᵀU − VᵀV that are not 0, over kσ², against the width k. For k → ∞, m of them are
    kσ² and n are −kσ². Right: ‖X̂ − X‖ / ‖X‖ in L² over time, with X the two-layer flow, and X̂ the flow of
    Proposition 5, Q = λ₀I, with the λ₀ that comes closest to X; or the flow that is exact where Q has two eigenvalues
    λ₀/2 ± √(λ₀²/4 + τ²), dP/dt = S̃P + PS̃ − P² + τ²I with P = RRᵀ, from the same start. Its λ₀ and τ are those
    for k → ∞, 0 and kσ², or those of the means of Q's m largest and n smallest eigenvalues. Lines are medians, bands 10
    to 90 % of the runs.

    What to see, where theory holds: the eigenvalues gather at ±1, slowly. The flows of two eigenvalues come ever closer
    to the general one, while the fit of one levels off. Below: the medians of the gaps, and in how many runs nothing
    fitted is closer than the fit.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: 1.0}
        width: [6, 24]
        dynamics: [asymmetric, {name: regularized, lambda0: fit}]
        solver: {method: flow}
        time: {horizon: 1.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: two-eigenvalues, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        fitted(experiment, REGULARIZED, "lambda0")
        least = min(map(sum, experiment["shapes"]))
        if not any(width >= least and when and when[1] > 0.0 for width, when in experiment["wide"]):
            raise Refused("", f"needs a {WANTED}, here {least}")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Eigenvalues of Q over k sigma^2, a dot each, against k; beside them the gap of each flow against k."""
        widths = sorted(_known(tables)["width"].unique())
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, style.PANEL_HEIGHT + 0.5))
        values = tables["lambda0"].changed(_eigenvalues).frame()
        left.plot(values["width"], values["value"], "o", color=style.look(GENERAL).colour, markersize=2.0, alpha=0.4)
        for limit in (-1.0, 1.0):
            left.axhline(limit, color=style.THEORY, linewidth=0.9)
        left.set(xlabel="width k", ylabel="eigenvalues of Q(0) / (kσ²)")
        known = tables["lambda0"].changed(_limited)
        for gap, line in LINES.items():
            style.curve(known.spreads(gap, ["width"]), right, x="width", markersize=3.5, **line)
        right.set(yscale="log", xlabel="width k", ylabel="‖X̂ − X‖ / ‖X‖ in L² over t")
        right.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        right.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: style.number(value)))
        right.legend()
        for panel in (left, right):
            _ticks(panel, widths)
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a width: the median gap of each flow, and in how many runs those without a fit are closer."""
        rows = _known(tables)
        by = rows.groupby("width")
        medians = by[[FIT, WIDE, MEAN]].median()
        closer = {gap: (rows[gap] < rows[FIT]).groupby(rows["width"]).sum() for gap in (WIDE, MEAN)}
        sizes = by.size()
        return pd.DataFrame(
            {
                "k": medians.index,
                "best λ₀": medians[FIT].to_numpy(),
                "τ = kσ²": medians[WIDE].to_numpy(),
                "closer than it": [f"{count} of {sizes[width]}" for width, count in closer[WIDE].items()],
                "means of Q": medians[MEAN].to_numpy(),
                "closer than λ₀": [f"{count} of {sizes[width]}" for width, count in closer[MEAN].items()],
            }
        )


def _known(tables: Tables) -> pd.DataFrame:
    """Widths and gaps of the runs whose start has two eigenvalues of Q in the limit."""
    rows = tables["lambda0"].changed(lambda block: _limited(block)[["width", *LINES]]).frame()
    return present(rows, WANTED)


def _limited(block: pd.DataFrame) -> pd.DataFrame:
    """The fits of runs whose Q tends to the eigenvalues +-k sigma^2."""
    return block[block["wide_tau"] > 0.0]


def _eigenvalues(block: pd.DataFrame) -> pd.DataFrame:
    """Eigenvalues of Q in units of k sigma^2, a row each."""
    block = _limited(block)
    values, counts = supporting.flat(block["imbalance_eigenvalues"])
    widths, units = (np.repeat(block[name].to_numpy(), counts) for name in ("width", "wide_tau"))
    return pd.DataFrame({"width": widths, "value": values / units})


def _ticks(panel: Axes, widths: list[int]) -> None:
    panel.set_xscale("log")
    panel.set_xticks(widths, [str(width) for width in widths])
    panel.minorticks_off()
