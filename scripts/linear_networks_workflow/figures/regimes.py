"""Where one mode is faster than the one-layer model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, present
from linear_networks_workflow.figures.libraries import mpl, np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The dynamics that it is about.
TWO = "asymmetric"

# Of the logarithm to base 2 of the rates, the least that the scale of colours reaches to either side.
LEAST = 0.1
# What is shown to both sides of a single value.
MARGIN = 0.5


class Regimes(Kind):
    """Where overparameterization accelerates: the measured rate of one mode over the one-layer rate, 1 (Table 2)."""

    name, label = "regimes", "acceleration of one mode"
    section = "3 Acceleration of one mode"
    dynamics = (TWO,)
    shows = ("values", "imbalance")
    needs = {
        "runs": ("run", "values", "imbalance"),
        "rates": ("run", "quantity", "measured"),
    }
    caption = """
    **Where one mode is faster than the one-layer model.**

    The measured rate of one mode over its singular value σ and imbalance λ₀; the one-layer rate is 1. Equation (16)
    predicts √(4σ² + λ₀²), so that the dashed curve 4σ² + λ₀² = 1 is where acceleration begins.

    What to see, where theory holds: the white contour of measured rate 1 lies on the dashed curve. The small table
    is the paper's Table 2, measured.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 1, columns: 1, values: [[0.2], [0.4], [0.6]]}
        initialization: {kind: spectral, products: [0.1], imbalance: [0.0, 0.5, 1.0]}
        width: 1
        dynamics: [asymmetric]
        solver: {method: flow}
        time: {horizon: 100.0, samples: 100, spacing: log, first: 1.0e-2}
    figures:
      example: {kind: regimes, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if any(len(matrix.get("values", [])) != 1 for matrix in experiment["matrix"]):
            raise Refused("", "needs a spectrum of one mode: values: [[..], [..]] of one number each")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Measured rate over singular value and imbalance with theory's boundary, and the paper's table, computed."""
        cells, rates = tables["runs"].changed(_cells).frame(), tables["rates"].changed(_of_product).frame()
        grid = rates.pivot_table(index="imbalance", columns="sigma", values="measured", aggfunc="median")
        grid = grid.reindex(index=_distinct(cells["imbalance"]), columns=_distinct(cells["sigma"]))
        present(
            rates.dropna(subset="measured"),
            "rate that could be measured (see `reason` in the rates); take a longer horizon or more samples",
        )
        width_ratios = {"width_ratios": (1.7, 1)}
        size = (style.PAGE_WIDTH, style.PANEL_HEIGHT + 0.9)
        figure, (left, right) = plt.subplots(1, 2, figsize=size, gridspec_kw=width_ratios)
        logarithm = np.log2(grid)
        # The one-layer rate, 0, is inside of the scale, wherever the rates lie.
        low, high = min(float(logarithm.min(axis=None)), -LEAST), max(float(logarithm.max(axis=None)), LEAST)
        image = left.pcolormesh(
            _edges(grid.columns),
            _edges(grid.index),
            logarithm,
            cmap="PuOr_r",
            norm=mpl.colors.TwoSlopeNorm(0.0, low, high),
        )
        bar = figure.colorbar(image, ax=left, label="measured rate / one-layer rate")
        ticks = [float(tick) for tick in range(int(np.ceil(low)), int(np.floor(high)) + 1)]
        bar.set_ticks(ticks, labels=[f"{2.0**tick:g}" for tick in ticks])
        if min(grid.shape) > 1 and logarithm.min(axis=None) < 0.0 < logarithm.max(axis=None):
            left.contour(grid.columns, grid.index, logarithm, levels=[0.0], colors="white", linewidths=3)
        sigma = np.linspace(0.0, 0.5, 200)
        left.plot(sigma, np.sqrt(1 - 4 * sigma**2), color=style.THEORY, linewidth=1.0, linestyle="--")
        left.set(xlabel="singular value σ of Y", ylabel="imbalance λ₀")
        left.set(xlim=_ends(grid.columns), ylim=_ends(grid.index))
        left.grid(False)
        left.set_title("white: measured rate = 1;  dashed: 4σ² + λ₀² = 1")
        _table(grid, right)
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """How often the measured regime is the predicted one, and how far rates are from the predicted ones."""
        rates = tables["rates"].changed(_of_product).frame().dropna(subset="measured")
        count = sum(map(len, tables["runs"].blocks()))
        predicted = np.sqrt(4 * rates["sigma"] ** 2 + rates["imbalance"] ** 2)
        # On the boundary itself, neither model is faster.
        decided = ~np.isclose(predicted, 1.0)
        agree = ((rates["measured"] > 1) == (predicted > 1))[decided].sum()
        return pd.DataFrame(
            {
                "rates measured": [f"{len(rates)} of {count}"],
                "accelerated as predicted": [f"{agree} of {decided.sum()}"],
                "largest relative error of a rate": [float((rates["measured"] / predicted - 1).abs().max())],
            }
        )


def _cells(block: pd.DataFrame) -> pd.DataFrame:
    """The place of each row in the grid."""
    values, sizes = supporting.flat(block["values"])
    return block[["imbalance"]].assign(sigma=values[np.cumsum(sizes) - sizes])


def _of_product(rates: pd.DataFrame) -> pd.DataFrame:
    """The rate of the product of each run, and its place in the grid."""
    some = rates[rates["quantity"] == "product"]
    return _cells(some).assign(measured=some["measured"])


def _distinct(places: pd.Series) -> pd.Index:
    return pd.Index(np.sort(places.dropna().unique()), name=places.name)


def _edges(places: pd.Index) -> np.ndarray:
    """Edges of the cells around the places of the grid."""
    if len(places) == 1:
        return np.array(_ends(places))
    between = (places[1:] + places[:-1]) / 2.0
    return np.concatenate([[2.0 * places[0] - between[0]], between, [2.0 * places[-1] - between[-1]]])


def _ends(places: pd.Index) -> tuple[float, float]:
    """From the first to the last place of the grid; around it where it is the only one."""
    margin = MARGIN * (len(places) == 1)
    return places[0] - margin, places[-1] + margin


def _table(grid: pd.DataFrame, axes: Axes) -> None:
    """Table 2 of the paper, from the corners of the measured grid."""
    corners = grid.iloc[sorted({0, len(grid) - 1}), sorted({0, grid.shape[1] - 1})]
    cells = [[_cell(rate) for rate in corners[sigma]] for sigma in corners.columns]
    axes.axis("off")
    axes.text(0.5, 0.72, "accelerated? (measured rate)", ha="center", fontsize=9, transform=axes.transAxes)
    table = axes.table(
        cells,
        rowLabels=[f"σ = {style.number(sigma)}" for sigma in corners.columns],
        colLabels=[f"λ₀ = {style.number(imbalance)}" for imbalance in corners.index],
        cellLoc="center",
        bbox=mpl.transforms.Bbox.from_bounds(0.28, 0.36, 0.8, 0.3),
        colWidths=[0.36] * len(corners.index),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)


def _cell(rate: float) -> str:
    return "–" if np.isnan(rate) else f"{'✓' if rate > 1 else '✗'}  ({rate:.2f})"
