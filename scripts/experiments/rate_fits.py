"""Measured and predicted rates of every run of a chunk, laid out as a table."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from experiments import datasets
from experiments.datasets import Matrix
from gradflow import rates
from gradflow.predictions import AT_SADDLE, Facts, Prediction, predict
from gradflow.solution import Progress, floor


def fit(
    runs: pd.DataFrame,
    trajectories: pd.DataFrame,
    matrices: Mapping[str, Matrix],
    progress: Progress = lambda fraction: None,
) -> pa.Table:
    """One row per run and quantity (`product`, each `mode`, `gramian`); a rate that cannot be measured is null.

    Parameters
    ----------
    runs, trajectories : DataFrame
        Rows of one chunk.
    matrices : mapping to Matrix
    progress : callable
        Called with the fraction done.
    """
    rows: list[dict[str, Any]] = []
    for run, samples in datasets.with_samples(runs, trajectories, progress):
        if samples is not None:
            rows += _fit(run, samples, matrices[run["matrix"]].values)
    return datasets.table(rows, datasets.RATES)


def _fit(run: Mapping[str, Any], samples: pd.DataFrame, data: np.ndarray) -> Iterator[dict[str, Any]]:
    described = {name: run[name] for name in ("run", "experiment", "dynamics", "solver", "replicate")}
    facts = _facts(run, samples, data)
    predicted = predict(run["dynamics"], facts)
    times = samples["t"].to_numpy()
    spectra = np.stack(samples["singular_values"])
    scale = float(np.linalg.norm(data) + np.linalg.norm(spectra, axis=1).max())
    level = floor(run["solver"], scale, run["rtol"])
    for quantity, mode, distance in _distances(run, samples, spectra, facts):
        theory = predicted[quantity][mode or 0] if quantity in predicted else Prediction()
        if run["solver"] == "descent" and theory.by != AT_SADDLE:
            theory = theory.of_descent(run["step_size"])
        # The Gramian is of the size of |lambda0| where the product is of that of Y.
        size = max(1.0, distance.max() / scale)
        measured = rates.measure(times, distance, level * size)
        yield {
            **described,
            "quantity": quantity,
            "mode": None if mode is None else mode + 1,
            **_columns(measured),
            **_predicted(theory),
        }


def _facts(run: Mapping[str, Any], samples: pd.DataFrame, data: np.ndarray) -> Facts:
    symmetric = run["dynamics"] in ("symmetric", "riccati")
    modes = run["mode_imbalances"]
    balanced = run["tied"] or run["initialization"] == "balanced" or run["imbalance"] == 0.0
    known = {"identity": run["imbalance"]}.get(run["initialization"], 0.0 if balanced else None)
    penalty = run["lambda0"] if run["weight"] == 0.125 and np.isfinite(run["lambda0"]) else None
    last = samples.iloc[-1]
    return Facts(
        values=np.linalg.eigvalsh(data)[::-1] if symmetric else np.linalg.svdvals(data),
        rows=run["rows"],
        columns=run["columns"],
        width=run["width"],
        step_size=run["step_size"] if run["solver"] == "descent" else 0.0,
        limits=None if run["limit_values"] is None else np.asarray(run["limit_values"]),
        tied=bool(run["tied"]),
        modes=None if modes is None else np.asarray(modes),
        lambda0=penalty if run["dynamics"] == "regularized" else known,
        imbalance=np.asarray(run["imbalance_eigenvalues"]),
        local=last["local_rate"] if last["error"] < 1e-3 else np.nan,
    )


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


def _columns(measured: rates.Measured) -> dict[str, Any]:
    found = measured.reason is None
    return {
        "measured": measured.rate if found else None,
        "uncertainty": measured.uncertainty if found else None,
        "window_start": measured.start if found else None,
        "window_end": measured.end if found else None,
        "points": measured.points if found else None,
        "reason": measured.reason,
    }


def _predicted(theory: Prediction) -> dict[str, Any]:
    numbers = {"predicted": theory.rate, "paper": theory.paper, "bound": theory.bound}
    known = {name: value for name, value in numbers.items() if np.isfinite(value)}
    return {**known, "predicted_by": theory.by if "predicted" in known else None}
