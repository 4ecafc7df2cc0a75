"""Measured and predicted rates of every run of a chunk, laid out as a table."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from linear_networks import theory as theories
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.matrices.source import Data
from linear_networks.measure.decay import NOT_CONVERGED, Measured, measure
from linear_networks.outcomes import ESCAPED
from linear_networks.solvers import SOLVERS
from linear_networks.solvers.solution import Progress
from linear_networks.solvers.solver import Solver
from linear_networks.theory.prediction import Facts, Prediction
from linear_networks.theory.theory import Theory
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import chunks

# Relative size of what is 0, or equal, up to rounding.
ROUNDING = 1e-12


def fit(
    runs: pd.DataFrame,
    trajectories: pd.DataFrame,
    matrices: Mapping[str, Data],
    progress: Progress = lambda fraction: None,
) -> pa.Table:
    """One row per run and quantity (`product`, each `mode`, `gramian`); a rate that cannot be measured is null.

    Parameters
    ----------
    runs, trajectories : DataFrame
        Rows of one chunk.
    matrices : mapping to Data
    progress : callable
        Called with the fraction done.
    """
    rows: list[dict[str, Any]] = []
    for run, samples in chunks.with_samples(runs, trajectories, progress):
        if samples is not None:
            rows += _fit(run, samples, matrices[run["matrix"]].values)
    return parquet.table(rows, parquet.RATES)


def _fit(run: Mapping[str, Any], samples: pd.DataFrame, data: np.ndarray) -> Iterator[dict[str, Any]]:
    described = {name: run[name] for name in ("run", "experiment", "dynamics", "solver", "replicate")}
    theory, solver = theories.of_dynamics(DYNAMICS[run["dynamics"]], LOSSES[run["loss"]]), _solver(run)
    facts = _facts(run, data, theory, solver)
    predicted = theory.predict(facts.rounded())
    times = samples["t"].to_numpy()
    spectra = np.stack(samples["singular_values"])
    scale = float(np.linalg.norm(data) + np.linalg.norm(spectra, axis=1).max())
    level = solver.floor(scale)
    for quantity, mode, distance in _distances(run, samples, spectra, facts):
        known = predicted[quantity][mode or 0] if quantity in predicted else Prediction()
        # The Gramian is of the size of |lambda0| where the product is of that of Y.
        size = max(1.0, distance.max() / scale)
        # A run that has left the limit of its flow does not tend to it, however close it came.
        if run["outcome"] == ESCAPED:
            measured = Measured.none(NOT_CONVERGED)
        else:
            measured = measure(times, distance, level * size, step_size=solver.step if theory.splits else 0.0)
        yield {
            **described,
            "quantity": quantity,
            "mode": None if mode is None else mode + 1,
            **_columns(measured),
            **_predicted(known),
        }


def _solver(run: Mapping[str, Any]) -> Solver:
    solver = SOLVERS[run["solver"]]
    return solver(**{name: run[parameter.column or name] for name, parameter in solver.parameters.items()})


def _facts(run: Mapping[str, Any], data: np.ndarray, theory: Theory, solver: Solver) -> Facts:
    values = np.linalg.eigvalsh(data)[::-1] if theory.eigenvalues else np.linalg.svdvals(data)
    modes = run["mode_imbalances_end" if solver.step else "mode_imbalances"]
    return Facts(
        values=values,
        rows=run["rows"],
        columns=run["columns"],
        width=run["width"],
        rank=run["rank"],
        step_size=solver.step,
        moving=_moving(run, values) if INITIALIZATIONS[run["initialization"]].by_mode else None,
        limits=None if run["limit_values"] is None else np.asarray(run["limit_values"]),
        tied=bool(run["tied"]),
        modes=None if modes is None else np.asarray(modes),
        lambda0=_known(theory.lambda0(run)),
        imbalance=np.asarray(run["imbalance_eigenvalues"]),
        local=run["rate_end"],
        factored=DYNAMICS[run["dynamics"]].model.has_factors,
    )


def _moving(run: Mapping[str, Any], values: np.ndarray) -> np.ndarray:
    """The modes of a spectral start that are neither at their limit from the start nor at rest at 0."""
    moving = np.arange(len(values)) < run["width"]
    if run["products"] is None:
        return moving
    imbalances = 0.0 if run["mode_imbalances"] is None else run["mode_imbalances"]
    at_rest = (run["products"] == 0.0) & ((imbalances == 0.0) | (values <= ROUNDING * np.abs(values).max()))
    return moving & ~at_rest & ~np.isclose(run["products"], values, rtol=ROUNDING, atol=0.0)


def _known(number: float | None) -> float | None:
    """None for what is missing, which reads as NaN beside numbers."""
    return None if number is None or np.isnan(number) else number


def _distances(
    run: Mapping[str, Any], samples: pd.DataFrame, spectra: np.ndarray, facts: Facts
) -> Iterator[tuple[str, int | None, np.ndarray]]:
    """The distances whose rates are measured: to the limits that theory knows, else to where a run came to rest."""
    if samples["distance"].notna().all():
        yield "product", None, samples["distance"].to_numpy()
        limits = facts.limits
        if limits is None:
            limits = np.where(np.arange(len(facts.values)) < facts.width, np.maximum(facts.values, 0.0), 0.0)
        for mode, limit in enumerate(np.sort(limits)[::-1]):
            yield "mode", mode, np.abs(spectra[:, mode] - limit)
    elif run["outcome"] == "converged" and samples["product"].notna().all():
        products = np.stack(samples["product"])
        yield "product", None, np.linalg.norm(products - products[-1], axis=1)
    if samples["gramian_distance"].notna().all():
        yield "gramian", None, samples["gramian_distance"].to_numpy()


def _columns(measured: Measured) -> dict[str, Any]:
    found = measured.reason is None
    return {
        "measured": measured.rate if found else None,
        "uncertainty": measured.uncertainty if found else None,
        "window_start": measured.start if found else None,
        "window_end": measured.end if found else None,
        "points": measured.points if found else None,
        "exponents": measured.exponents if found else None,
        "limited_by": measured.limited_by,
        "reason": measured.reason,
    }


def _predicted(theory: Prediction) -> dict[str, Any]:
    numbers = {"predicted": theory.rate, "paper": theory.paper, "bound": theory.bound}
    known = {name: value for name, value in numbers.items() if np.isfinite(value)}
    return {**known, "predicted_by": theory.by if "predicted" in known else None}
