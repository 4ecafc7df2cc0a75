"""How far descent is from flow, against the step size: proportional to it while stable (Appendix G)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline
from scipy.stats import linregress

from linear_networks_workflow.figures import style

# The law is asymptotic: it is fitted to step sizes up to this fraction of the largest that is stable.
ASYMPTOTIC = 1 / 16


def draw(tables: dict[str, pd.DataFrame]) -> Figure:
    """Largest distance of descent from flow over t, relative to the largest product; one line a dynamics, a panel an
    experiment; the band is where stability ends."""
    gaps = gaps_of(tables["runs"], tables["trajectories"])
    experiments = list(dict.fromkeys(gaps["experiment"]))
    size = (style.PAGE_WIDTH, style.PANEL_HEIGHT + 1.0)
    figure, axes = plt.subplots(1, len(experiments), sharey=True, squeeze=False, figsize=size)
    for panel, experiment in zip(axes[0], experiments, strict=True):
        for dynamics, some in gaps[gaps["experiment"] == experiment].groupby("dynamics", observed=True):
            median = some[some["stable"]].groupby("step_size")["gap"].median()
            label = f"{style.LABELS[dynamics]}: slope {slope_of(some):.3f}"
            line = {"color": style.COLOURS[dynamics], "dashes": style.DASHES[dynamics], "label": label}
            panel.plot(median.index, median, "o", linestyle="-", markersize=3.5, **line)
            last, first = some[some["stable"]]["step_size"].max(), some[~some["stable"]]["step_size"].min()
            if np.isfinite(first):
                panel.axvspan(last, first, color=style.COLOURS[dynamics], alpha=0.15, linewidth=0)
        panel.set(xscale="log", yscale="log", title=experiment, xlabel="step size η")
        panel.legend(loc="upper left", fontsize=7)
    axes[0, 0].set_ylabel("max over t of ‖X − X flow‖ / max ‖X flow‖")
    figure.supxlabel("shaded: between the largest stable and the smallest unstable step size", fontsize=7.5)
    return figure


def numbers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row an experiment and dynamics: the slope of log gap against log step size, and the largest stable step."""
    gaps = gaps_of(tables["runs"], tables["trajectories"])
    return pd.DataFrame(
        [
            {
                "experiment": experiment,
                "dynamics": style.LABELS[dynamics],
                "slope": slope_of(some),
                "largest stable η": some["step_size"][some["stable"]].max(),
            }
            for (experiment, dynamics), some in gaps.groupby(["experiment", "dynamics"], observed=True)
        ]
    )


def gaps_of(runs: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    """One row per run of descent: `gap` to the flow from the same start, and whether it is `stable`, ending near Y."""
    samples = dict(list(trajectories.sort_values("t").groupby("run")))
    rows = []
    for _, pair in runs.groupby(["experiment", "dynamics", "replicate"], observed=True):
        (flow,) = pair.loc[pair["solver"] == "flow", "run"]
        reference = CubicSpline(samples[flow]["t"], np.stack(samples[flow]["product"]))
        size = np.linalg.norm(np.stack(samples[flow]["product"]), axis=1).max()
        for run in pair[pair["solver"] == "descent"].to_dict("records"):
            some = samples[run["run"]]
            gap = np.linalg.norm(np.stack(some["product"]) - reference(some["t"]), axis=1).max() / size
            stable = run["outcome"] != "diverged" and some["error"].iloc[-1] < 0.1
            rows.append({**run, "gap": gap, "stable": stable})
    return pd.DataFrame(rows)


def slope_of(gaps: pd.DataFrame) -> float:
    """Slope of log gap against log step size, over the asymptotic range of the stable step sizes."""
    stable = gaps[gaps["stable"]]
    some = stable[stable["step_size"] <= ASYMPTOTIC * stable["step_size"].max()]
    return float(linregress(np.log(some["step_size"]), np.log(some["gap"])).slope)
