"""How far the equation of the product alone is from the two-layer flow of wide starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks.measure import gaps
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, present
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Rows, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The dynamics that it is about.
FACTORS, ALONE = "asymmetric", "end-to-end"


class Mixed(Kind):
    """The gap between the two-layer flow of wide starts and the equation of X alone, against the width."""

    name, label = "mixed", "mixed dynamics against the width"
    many = False
    section = "Lazy and rich"
    dynamics = (FACTORS, ALONE)
    shows = ("width",)
    needs = {
        "runs": ("run", "dynamics", "replicate", "width"),
        "trajectories": ("run", "t", "product"),
    }
    caption = """
    **Wide two-layer models obey an equation of X alone.**

    From X(0) of Gaussian factors of variance σ², dX/dt = (XXᵀ + τ²)^{1/2} G + G (XᵀX + τ²)^{1/2} with τ = kσ² and the
    force G = Y − X, beside the flow of the factors, whose Q(0) has the eigenvalues ±τ in the limit k → ∞ only: the
    largest ‖X̂ − X‖ / ‖X‖ over time, and that in L² over time, against the width k. Lines are medians, bands 10 to
    90 % of the runs; dark lines fall as k^{-1/2}.

    What to see, where theory holds: the gaps fall as the eigenvalues of Q gather at ±τ. Below: the medians.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 2, columns: 3, values: [2.0, 1.0]}
        initialization: {kind: wishart, tau: 1.0}
        width: [10, 1000]
        dynamics: [asymmetric, {name: end-to-end, lambda0: 0.0, tau: 1.0}]
        solver: {method: flow}
        time: {horizon: 5.0, samples: 40}
        replicates: 2
        record: [product]
    figures:
      example: {kind: mixed, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if "product" not in experiment["record"]:
            raise Refused("", "needs record: [product]")
        _check_limits(experiment)

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """The largest gap and that in L^2 against k; thin lines have the slope -1/2."""
        found = _spreads(tables)
        figure, panel = plt.subplots(figsize=(style.COLUMN_WIDTH, style.PANEL_HEIGHT + 0.3))
        for (quantity, some), colour in zip(found.items(), ("#D55E00", "#0072B2"), strict=True):
            style.curve(some, panel, x="width", color=colour, marker="o", markersize=3.5, label=quantity)
            law = some["median"].iloc[-1] * np.sqrt(some["width"].iloc[-1] / some["width"])
            panel.plot(some["width"], law, color=style.THEORY, linewidth=0.9, zorder=1)
        panel.plot([], [], color=style.THEORY, linewidth=0.9, label="law $k^{-1/2}$")
        panel.set(xscale="log", yscale="log", xlabel="width k", ylabel="‖X̂ − X‖ / ‖X‖")
        panel.legend()
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a width: the medians of both gaps."""
        found = {quantity: some.set_index("width")["median"] for quantity, some in _spreads(tables).items()}
        return pd.DataFrame(found).rename_axis("k").reset_index()


def _check_limits(experiment: Mapping[str, Any]) -> None:
    """Refuse an equation of X alone that is not the limit of the wide starts beside it."""
    given = [(block["lambda0"], block["tau"]) for block in experiment["dynamics"] if block["name"] == ALONE]
    for width, when in experiment["wide"]:
        if when is None or not when[1] > 0.0:
            raise Refused("", "needs Gaussian starts that are not 0: write initialization: {kind: wishart, tau: 1.0}")
        for own in given:
            if not np.allclose(own, when, rtol=1e-9, atol=0.0):
                limit, other = (f"{{lambda0: {lambda0:g}, tau: {tau:g}}}" for lambda0, tau in (when, own))
                raise Refused("", f"needs {ALONE} {limit}, the limit of its starts at width {width}, not {other}")


def _spreads(tables: Tables) -> dict[str, pd.DataFrame]:
    """Spreads of both gaps over the widths."""
    replicates = sorted({number for block in tables["runs"].blocks() for number in block["replicate"].unique()})
    rows = pd.DataFrame([row for replicate in replicates for row in _gaps(tables, replicate)])
    if len(rows):
        rows = rows[np.isfinite(rows["mean_square"]) & (rows["mean_square"] > 0.0)]
    rows = present(rows, f"run of {FACTORS} beside one of {ALONE} from the same start with a gap that is not 0")
    words, whole = {"largest": "largest over t", "mean_square": "in L² over t"}, Rows(lambda: iter([rows]))
    return {word: whole.spreads(name, ["width"]) for name, word in words.items()}


def _gaps(tables: Tables, replicate: int) -> Iterator[dict[str, float]]:
    """Both gaps of every width of a replicate."""
    samples = tables["trajectories"].changed(lambda block: block[block["replicate"] == replicate]).frame()
    for width, some in samples.groupby("width"):
        found = {name: _products(run) for name, run in some.sort_values("t").groupby("dynamics", observed=True)}
        if {FACTORS, ALONE} <= found.keys() and len(found[FACTORS]) == len(found[ALONE]):
            times, pair = np.unique(some["t"]), (found[FACTORS], found[ALONE])
            largest, mean_square = gaps.relative(*pair).max(), gaps.mean_square(times, *pair)
            yield {"width": width, "largest": float(largest), "mean_square": mean_square}


def _products(run: pd.DataFrame) -> np.ndarray:
    return supporting.flat(run["product"])[0].reshape(len(run), -1)
