"""How far the kernel moves, and how fast X converges, against the gap of Q's two eigenvalues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks.theory import laziness, two_eigenvalues
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, present, solvers, starts
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What it is about: the dynamics, the start whose Q has two eigenvalues, and the solver that may not know K.
TWO, START, CLOSED = "asymmetric", "hyperbolic", "exact"

# By the sign of the sum of the two eigenvalues.
MARKS: dict[float, dict[str, Any]] = {
    -1.0: {"marker": "v", "color": "#0072B2", "markersize": 6, "label": "λ₀ < 0"},
    0.0: {"marker": "o", "color": "#222222", "markersize": 4, "label": "λ₀ = 0"},
    1.0: {"marker": "^", "color": "#D55E00", "markersize": 4, "label": "λ₀ > 0"},
}


class LazyToRich(Kind):
    """Laziness and convergence rate of two layers against h, half the gap of the two eigenvalues of Q."""

    name, label = "lazy-to-rich", "from lazy to rich"
    many = False
    section = "Lazy and rich"
    dynamics = (TWO,)
    shows = ("initial_lambda0", "initial_tau")
    needs = {
        "matrices": ("matrix", "singular_values"),
        "runs": ("run", "dynamics", "matrix", "rows", "columns", "laziness", "start_lambda0", "start_tau"),
        "rates": ("run", "quantity", "measured", "uncertainty"),
    }
    caption = """
    **One number leads from lazy to rich.**

    The two-layer model from one X(0), with a Q(0) of the eigenvalues λ₀/2 ± h, h² = λ₀²/4 + τ², against h. Left: how
    far the tangent kernel K: E ↦ UUᵀE + EVVᵀ has moved in the end, ‖K − K(0)‖ / ‖K(0)‖, beside the closed form from
    X(0) = 0 (dark) and its law for large h, which is h⁻² (dashed). Right: the measured rate of ‖X − Y‖ with its
    uncertainty, beside that of theory, for the smallest σ: 2√(σ² + h²) for m = n, √(σ² + h²) + h for m ≠ n.

    What to see, where theory holds: λ₀ and τ count through h alone, so that starts of either sign of λ₀ lie on one
    line; above h of the size of Y the kernel hardly moves and the rate is 2h, below it X learns features and is no
    faster than its smallest singular value lets it. For m ≠ n the last to decay is what X(0) has outside of the
    singular vectors of Y: from a tiny X(0) a larger rate is measured. Below: medians by h.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 2, columns: 3, values: [2.0, 1.0]}
        initialization: {kind: hyperbolic, scale: 1.0e-3, lambda0: [-1.0, 0.0, 1.0], tau: [0.1, 1.0, 10.0]}
        width: 5
        dynamics: [asymmetric]
        solver: {method: flow}
        time: {horizon: 30.0, samples: 100, spacing: log, first: 1.0e-3}
    figures:
      example: {kind: lazy-to-rich, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if starts(experiment) != {START}:
            raise Refused("", f"needs initialization: {{kind: {START}}} alone")
        if solvers(experiment) == {CLOSED} and "kernel" not in experiment["record"]:
            raise Refused("", f"needs solver: {{method: flow}}; with {CLOSED}, K is known by record: [kernel] alone")
        if not any(start["lambda0"] or start["tau"] for start in experiment["initialization"]):
            raise Refused("", "needs a lambda0 or tau of the start that is not 0, as h is drawn on a log axis")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Laziness (left) and rate (right) against h, a marker a run; lines are theory for the Y of the first run."""
        runs, rates = _runs(tables), _rates(tables)
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, style.PANEL_HEIGHT + 0.5))
        for sign, mark in MARKS.items():
            open_ = {"linestyle": "", "markerfacecolor": "none", **mark}
            lazy, fast = (rows[np.sign(rows["start_lambda0"]) == sign] for rows in (runs, rates))
            left.plot(lazy["half"], lazy["laziness"], **open_)
            right.errorbar(fast["half"], fast["measured"], fast["uncertainty"], elinewidth=0.8, **open_)
        half = np.geomspace(runs["half"].min(), runs["half"].max(), 200)
        laws = (laziness.from_zero, laziness.far, _rate)
        moved, law, rate = (_theory(one, runs.iloc[[0]], half[None])[0] for one in laws)
        line = {"color": style.THEORY, "linewidth": 0.9, "zorder": 1}
        left.plot(half, moved, label="theory, X(0) = 0", **line)
        far = law <= 1.0
        left.plot(half[far], law[far], linestyle="--", label="its law, h⁻²", **line)
        right.plot(half, rate, label="theory", **line)
        left.set(xscale="log", yscale="log", xlabel="h", ylabel="laziness ‖K(∞) − K(0)‖ / ‖K(0)‖")
        right.set(xscale="log", yscale="log", xlabel="h", ylabel="rate of ‖X − Y‖")
        left.legend()
        right.legend()
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a value of h: the medians of laziness and rate, each beside theory."""
        runs, rates = _runs(tables), _rates(tables)
        for rows in (runs, rates):
            rows["h"] = rows["half"].map("{:.4g}".format)
        half = runs["half"].to_numpy()[:, None]
        runs["moved"] = _theory(laziness.from_zero, runs, half)[:, 0]
        runs["rate"] = _theory(_rate, runs, half)[:, 0]
        found = runs.groupby("h", sort=False)[["half", "laziness", "moved", "rate"]].median().sort_values("half")
        measured = rates.groupby("h")["measured"].median().reindex(found.index)
        return pd.DataFrame(
            {
                "h": found.index,
                "laziness": found["laziness"].to_numpy(),
                "from X(0) = 0": found["moved"].to_numpy(),
                "rate": measured.to_numpy(),
                "of theory": found["rate"].to_numpy(),
            }
        )


def _runs(tables: Tables) -> pd.DataFrame:
    """The runs of the dynamics that know how far their kernel moved, with h > 0."""
    rows = tables["runs"].changed(_with_half).frame().dropna(subset="laziness")
    return present(rows, "run by descent or flow whose Q(0) has two eigenvalues")


def _rates(tables: Tables) -> pd.DataFrame:
    rates = tables["rates"].changed(lambda block: _with_half(block[block["quantity"] == "product"])).frame()
    return rates.dropna(subset="measured")


def _with_half(rows: pd.DataFrame) -> pd.DataFrame:
    half = two_eigenvalues.half_gap(rows["start_lambda0"], rows["start_tau"])
    return rows.assign(half=half)[(rows["dynamics"] == TWO) & (half > 0.0)]


def _theory(law: Callable[..., np.ndarray], runs: pd.DataFrame, half: np.ndarray) -> np.ndarray:
    """A law of the spectrum, h, m and n, of each run at each h of its row, shape (runs, values) as that of h."""
    spectra, counts = supporting.flat(runs["matrix_singular_values"])
    sigmas = np.split(spectra, np.cumsum(counts)[:-1])
    given = zip(sigmas, half, runs["rows"], runs["columns"], strict=True)
    return np.array([law(sigma, some, rows, columns) for sigma, some, rows, columns in given])


def _rate(sigma: np.ndarray, half: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return np.array([two_eigenvalues.rate(sigma, one, rows, columns) for one in half])
