"""From saddle to saddle, as the scale of the start vanishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks.measure import saddles
from linear_networks.theory import saddle_to_saddle
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, present, starts
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What it is about: the dynamics, the start whose scale is that of the factors, and the loss.
TWO, START, LOSS = "asymmetric", "gaussian", "squared"


class SaddleToSaddle(Kind):
    """The loss of two layers from ever smaller starts, over the time in units of log(1 / scale): a line a scale."""

    name, label = "saddle-to-saddle", "from saddle to saddle"
    many = False
    section = "Lazy and rich"
    dynamics = (TWO,)
    shows = ("scale",)
    needs = {
        "matrices": ("matrix", "singular_values"),
        "runs": ("run", "dynamics", "scale", "matrix"),
        "trajectories": ("run", "t", "loss", "singular_values"),
    }
    caption = """
    **Small starts go from saddle to saddle.**

    The loss of the two-layer model from Gaussian starts of scale α, relative to ½‖Y‖², over t / log(1/α); a thin line a
    run. The dark steps are the limit of α → 0: mode i is learned at log(1/α) / σᵢ, and between these times the loss
    rests at ½ Σ σⱼ² over the modes to come.

    What to see, where theory holds: the smaller the start, the sharper the steps, and the closer to the limit. Below,
    medians by scale and mode: when it is half learned, in units of that time; the loss in the middle between this time
    and that of the next mode; and the loss of the saddle.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 3, columns: 4, values: [3.0, 2.0, 1.0]}
        initialization: {kind: gaussian, scale: [1.0e-2, 1.0e-4]}
        width: 7
        dynamics: [asymmetric]
        solver: {method: flow}
        time: {horizon: 15.0, samples: 60}
    figures:
      example: {kind: saddle-to-saddle, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if starts(experiment) != {START}:
            raise Refused("", f"needs initialization: {{kind: {START}}} alone")
        if not any(0.0 < start["scale"] < 1.0 for start in experiment["initialization"]):
            raise Refused("", "needs a scale of the start between 0 and 1, as time is in units of log(1 / scale)")
        if any(loss["kind"] != LOSS for loss in experiment["loss"]):
            raise Refused("", f"needs loss: {{kind: {LOSS}}} alone")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Loss over rescaled time, a line a run; the dark steps are the limit for the Y of the first run."""
        samples = present(tables["trajectories"].changed(_rescaled).frame(), "run from a scale between 0 and 1")
        scales = sorted(samples["scale"].unique(), reverse=True)
        figure, panel = plt.subplots(figsize=(style.COLUMN_WIDTH, style.PANEL_HEIGHT))
        for scale, colour in zip(scales, style.sequence(len(scales)), strict=True):
            for _, one in samples[samples["scale"] == scale].groupby("run", observed=True):
                panel.plot(one["time"], one["part"], color=colour, linewidth=0.8)
            panel.plot([], [], color=colour, label=style.titled("α", scale))
        sigma = _spectrum(tables["runs"].frame())
        sigma = sigma[sigma > supporting.LEAST * sigma[0]]
        steps, end = np.append(1.0, saddle_to_saddle.losses(sigma) / (0.5 * sigma @ sigma)), 1.5 / sigma[-1]
        panel.stairs(steps, [0.0, *1.0 / sigma, end], baseline=None, color=style.THEORY, linewidth=0.6)
        panel.set(xlabel="t / log(1/α)", ylabel="loss / ½‖Y‖²", xlim=(0.0, end))
        panel.legend()
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a scale and mode: medians of its time, of the loss after it, and the loss of the saddle."""
        found = tables["trajectories"].changed(_passed).frame()
        present(found[np.isfinite(found["time"])], "mode that is half learned by the horizon; write a larger one")
        medians = found.groupby(["scale", "mode"], as_index=False).median(numeric_only=True)
        names = {
            "scale": "α",
            "mode": "mode",
            "time": "t σᵢ / log(1/α)",
            "loss": "loss after it",
            "saddle": "of the saddle",
        }
        return medians[[*names]].astype({"mode": int}).rename(columns=names)


def _small(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples of the dynamics from scales between 0 and 1."""
    return samples[(samples["dynamics"] == TWO) & (samples["scale"] > 0.0) & (samples["scale"] < 1.0)]


def _rescaled(samples: pd.DataFrame) -> pd.DataFrame:
    """Time in units of log(1 / scale) and the loss as a part of that of X = 0, of each sample."""
    samples = _small(samples)
    values, counts = supporting.flat(samples["matrix_singular_values"])
    sizes = np.add.reduceat(values**2, np.cumsum(counts) - counts) if len(samples) else values
    time, part = samples["t"] / -np.log(samples["scale"]), samples["loss"] / (0.5 * sizes)
    return samples[["run", "scale"]].assign(time=time, part=part)


def _spectrum(rows: pd.DataFrame) -> np.ndarray:
    """Singular values of the Y of the first row."""
    return supporting.flat(rows["matrix_singular_values"].iloc[:1])[0]


def _passed(samples: pd.DataFrame) -> pd.DataFrame:
    """By run and mode, when it is half learned in units of the time of the limit, and the loss after it."""
    rows = []
    for _, one in _small(samples).sort_values("t", kind="stable").groupby("run", observed=True, sort=False):
        sigma, scale, t = _spectrum(one), one["scale"].iloc[0], one["t"].to_numpy()
        learnable = sigma > supporting.LEAST * sigma[0]
        values, _ = supporting.flat(one["singular_values"])
        times = saddles.times(t, values.reshape(len(t), -1), np.where(learnable, sigma, np.inf))
        columns = {
            "scale": np.full(len(sigma), scale),
            "mode": np.arange(len(sigma)) + 1,
            "time": times / saddle_to_saddle.times(sigma, scale),
            "loss": saddles.losses(t, one["loss"].to_numpy(), times),
            "saddle": saddle_to_saddle.losses(sigma),
        }
        rows.append(pd.DataFrame(columns)[learnable])
    # Of a block of another dynamics, numbers too.
    return pd.concat(rows) if rows else pd.DataFrame(columns=["scale", "mode", "time", "loss", "saddle"], dtype=float)
