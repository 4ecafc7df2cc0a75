"""Measured and predicted rates of every run of a chunk, laid out as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from linear_networks import theory as theories
from linear_networks.components import Component
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.matrices.source import Data
from linear_networks.measure import decay, decays
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
    runs: pa.Table,
    trajectories: pa.Table,
    matrices: Mapping[str, Data],
    progress: Progress = lambda fraction: None,
) -> pa.Table:
    """One row per run and quantity (`product`, each `mode`, `gramian`); a rate that cannot be measured is null.

    Parameters
    ----------
    runs, trajectories : Table
        Rows of one chunk.
    matrices : mapping to Data
    progress : callable
        Called with the fraction done.
    """
    records: list[Record] = []
    for run, samples in chunks.with_samples(runs, trajectories, progress):
        if samples is not None:
            records += _records(run, samples, matrices[run["matrix"]].values)
    measured = decays.measure(
        [record.times for record in records],
        [record.distance for record in records],
        np.array([record.floor for record in records]),
        np.array([record.step_size for record in records]),
    )
    columns = _described(records) | _measured(measured) | _predicted([record.known for record in records])
    return pa.table([_column(columns[field.name], field.type) for field in parquet.RATES], schema=parquet.RATES)


class Record(NamedTuple):
    """A distance whose rate is measured, of shape (samples,), beside what theory says of it."""

    run: Mapping[str, Any]
    quantity: str
    mode: int | None
    times: np.ndarray
    distance: np.ndarray
    floor: float
    step_size: float
    known: Prediction


def _records(run: Mapping[str, Any], samples: chunks.Samples, data: np.ndarray) -> Iterator[Record]:
    theory, solver = theories.of_dynamics(DYNAMICS[run["dynamics"]], LOSSES[run["loss"]]), _solver(run)
    times, spectra = samples["t"], samples["singular_values"]
    scale = float(np.linalg.norm(data) + np.linalg.norm(spectra, axis=1).max())
    level = solver.floor(scale)
    facts = _facts(run, data, theory, solver)._replace(
        start=float(np.linalg.norm(spectra[0])), horizon=float(times[-1]), floor=decay.RULES.safety * level
    )
    predicted = theory.predict(facts.rounded())
    for quantity, mode, distance in _distances(run, samples, spectra, facts):
        known = predicted[quantity][mode or 0] if quantity in predicted else Prediction()
        # The Gramian is of the size of |lambda0| where the product is of that of Y.
        size = max(1.0, distance.max() / scale)
        # A run that has left the limit of its flow does not tend to it, however close it came.
        if run["outcome"] == ESCAPED:
            distance = np.full(len(distance), np.nan)
        step_size = solver.step if theory.splits else 0.0
        yield Record(run, quantity, mode, times, distance, level * size, step_size, known)


def _solver(run: Mapping[str, Any]) -> Solver:
    solver = SOLVERS[run["solver"]]
    return solver(**_parameters(solver, run))


def _parameters(component: type[Component], run: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a component of a run, by their names in the config."""
    return {name: run[parameter.column or name] for name, parameter in component.parameters.items()}


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
        moving=_moving(run, values, theory.mode_imbalances(run)) if _is_by_mode(run) else None,
        limits=None if run["limit_values"] is None else np.asarray(run["limit_values"]),
        tied=bool(run["tied"]),
        modes=None if modes is None else np.asarray(modes),
        lambda0=theory.lambda0(run),
        tau=theory.tau(run) or 0.0,
        imbalance=np.asarray(run["imbalance_eigenvalues"]),
        local=np.nan if run["rate_end"] is None else run["rate_end"],
        factored=DYNAMICS[run["dynamics"]].model.has_factors,
    )


def _is_by_mode(run: Mapping[str, Any]) -> bool:
    """Whether the start of a run is diagonal in the basis of Y."""
    kind = INITIALIZATIONS[run["initialization"]]
    return kind.by_mode(**_parameters(kind, run))


def _moving(run: Mapping[str, Any], values: np.ndarray, imbalances: np.ndarray | float) -> np.ndarray:
    """The modes of a start by modes that are neither at their limit from the start nor at rest at 0."""
    drawn = np.nan if run["scale"] != 0.0 else 0.0
    products = np.full(len(values), drawn) if run["products"] is None else run["products"]
    products = np.where(np.arange(len(values)) < run["width"], products, 0.0)
    at_rest = (products == 0.0) & ((np.asarray(imbalances) == 0.0) | (values <= ROUNDING * np.abs(values).max()))
    return ~at_rest & ~np.isclose(products, values, rtol=ROUNDING, atol=0.0)


def _distances(
    run: Mapping[str, Any], samples: chunks.Samples, spectra: np.ndarray, facts: Facts
) -> Iterator[tuple[str, int | None, np.ndarray]]:
    """The distances whose rates are measured: to the limits that theory knows, else to where a run came to rest."""
    if np.isfinite(samples["distance"]).all():
        yield "product", None, samples["distance"]
        limits = facts.limits
        if limits is None:
            limits = np.where(np.arange(len(facts.values)) < facts.width, np.maximum(facts.values, 0.0), 0.0)
        for mode, limit in enumerate(np.sort(limits)[::-1]):
            yield "mode", mode, np.abs(spectra[:, mode] - limit)
    elif run["outcome"] == "converged" and samples["product"].size:
        products = samples["product"]
        yield "product", None, np.linalg.norm(products - products[-1], axis=1)
    if np.isfinite(samples["gramian_distance"]).all():
        yield "gramian", None, samples["gramian_distance"]


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _described(records: Sequence[Record]) -> dict[str, list[Any]]:
    described = {
        name: [record.run[name] for record in records]
        for name in ("run", "experiment", "dynamics", "solver", "replicate")
    }
    return described | {
        "quantity": [record.quantity for record in records],
        "mode": [None if record.mode is None else record.mode + 1 for record in records],
    }


def _measured(found: decays.Decays) -> dict[str, Any]:
    none = np.isnan(found.rate)
    numbers = {
        "measured": found.rate,
        "uncertainty": found.uncertainty,
        "window_start": found.start,
        "window_end": found.end,
        "points": found.points,
        "exponents": found.exponents,
    }
    columns = {name: pa.array(values, mask=none) for name, values in numbers.items()}
    return {**columns, "limited_by": found.limited_by, "reason": found.reason}


def _predicted(known: Sequence[Prediction]) -> dict[str, list[Any]]:
    numbers = np.array([(one.rate, one.paper, one.bound) for one in known]).reshape(-1, 3)
    columns = {
        name: pa.array(values, mask=~np.isfinite(values))
        for name, values in zip(("predicted", "paper", "bound"), numbers.T, strict=True)
    }
    by = [one.by if np.isfinite(one.rate) else None for one in known]
    return {**columns, "predicted_by": by}
