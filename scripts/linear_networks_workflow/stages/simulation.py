"""Runs of one chunk: grouped into batches of one shape, computed by the library, laid out as tables."""

import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from linear_networks import initializations
from linear_networks.dynamics import DYNAMICS, Dynamics, Regularized, Sigmoid, Symmetric, squared_norm
from linear_networks.initializations import Start
from linear_networks.measure import observables
from linear_networks.solvers import descent
from linear_networks.solvers.solution import DIVERGED, Index, Observe, Progress, Solution
from linear_networks.theory import rates
from linear_networks.theory.limits import Limit
from linear_networks_workflow import grid, logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.parquet import Matrix
from linear_networks_workflow.grid import Run
from linear_networks_workflow.memory import MOST_RUNS_PER_BLOCK, mib_per_run, runs_per_block

Matrices = Mapping[str, Matrix]


def simulate(
    runs: Sequence[Run],
    matrices: Matrices,
    record: Collection[str] = (),
    fitted: Mapping[str, float] = MappingProxyType({}),
    progress: Progress = lambda fraction: None,
) -> tuple[pa.Table, pa.Table]:
    """Compute runs.

    Parameters
    ----------
    runs : sequence of Run
    matrices : mapping to Matrix
        Data matrices by id.
    record : collection of str
        What else to keep: `product`, `factors`.
    fitted : mapping to float
        lambda0 by run of the asymmetric dynamics, for regularized runs that take theirs from it.
    progress : callable
        Called with the fraction done.

    Returns
    -------
    runs, trajectories : pyarrow.Table
        In the order of the runs, whatever batches they were computed in.
    """
    key = _batch_key(matrices)
    batches = [list(batch) for _, batch in groupby(sorted(runs, key=key), key)]
    tables = []
    for number, batch in enumerate(batches):
        share = logs.part(progress, number / len(batches), (number + 1) / len(batches))
        tables.append(_simulate_batch(batch, matrices, record, fitted, share))
    order = {run.id: place for place, run in enumerate(runs)}
    parts, trajectories = (pa.concat_tables(part) for part in zip(*tables, strict=True))
    return _in_order(parts, order), _in_order(trajectories, order)


def simulate_blocks(
    runs: Sequence[Run],
    path: str,
    record: Collection[str],
    fitted: Mapping[str, float],
    granted: float,
    progress: Progress,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """`simulate`, of as many runs at a time as fit into the memory that a job has been granted.

    Parameters
    ----------
    runs, record, fitted, progress
        As for `simulate`.
    path : str
        File of the data matrices.
    granted : float
        MiB.
    """
    done = 0
    while done < len(runs):
        block = runs[done : done + MOST_RUNS_PER_BLOCK]
        matrices = parquet.matrices_of(path, [(run.matrix, run.replicate) for run in block])
        block = block[: runs_per_block(granted, max(_mib(run, matrices[run.matrix], record) for run in block))]
        share = logs.part(progress, done / len(runs), (done + len(block)) / len(runs))
        yield simulate(block, matrices, record, fitted, share)
        done += len(block)


def _mib(run: Run, matrix: Matrix, record: Collection[str]) -> float:
    rows, columns = matrix.values.shape
    samples, examples = run.point["time"]["samples"], 0 if matrix.inputs is None else len(matrix.inputs)
    is_flow = run.point["solver"]["method"] == "flow"
    return mib_per_run(rows, columns, _state_width(run, matrix), samples, examples, is_flow, "product" in record)


def _state_width(run: Run, matrix: Matrix) -> int:
    """Columns of the factors that a run is computed with."""
    return min(run.point["width"], sum(matrix.values.shape)) if _is_reducible(run) else run.point["width"]


def _batch_key(matrices: Matrices) -> Callable[[Run], str]:
    """What the runs of one batch have in common: the dynamics, the shape of its state, the solver and the times."""

    def key(run: Run) -> str:
        matrix = matrices[run.matrix]
        shape = *matrix.values.shape, _state_width(run, matrix)
        common = [run.dynamics, shape, run.point["initialization"]["kind"], run.point["solver"], run.point["time"]]
        return json.dumps(common, sort_keys=True)

    return key


def _is_reducible(run: Run) -> bool:
    """Whether the factors keep their whole gauge freedom, which a penalty towards an uneven diagonal breaks."""
    return not isinstance(run.point.get("regularized", {}).get("lambda0"), list)


def _simulate_batch(
    runs: list[Run], matrices: Matrices, record: Collection[str], fitted: Mapping[str, float], progress: Progress
) -> tuple[pa.Table, pa.Table]:
    began = time.perf_counter()
    chosen = [matrices[run.matrix] for run in runs]
    starts = [_start(run, matrix.values) for run, matrix in zip(runs, chosen, strict=True)]
    start = initializations.stack(starts)
    dynamics = _dynamics(runs, chosen, fitted, start.factors.shape[-1])
    state = dynamics.start(start.factors)
    limit = Limit.of(dynamics, _widths(runs), start)
    observe = observables.observer(dynamics, state, _widths(runs), "product" in record, limit)
    end, keep = _keeping(state, observe)

    solver, times = runs[0].point["solver"], grid.sample_times(runs[0].point["time"])
    steps: np.ndarray | None = None
    match solver["method"]:
        case "descent":
            _note_instability(runs, dynamics, start.factors)
            steps = descent.sample_steps(times, solver["step_size"])
            times = steps * solver["step_size"]
            solution = descent.descend(dynamics, state, solver["step_size"], steps, keep, progress, limit)
        case "flow":
            from linear_networks.solvers import flow

            solution = flow.integrate(dynamics, state, times, keep, solver["rtol"], progress, limit)
        case "exact":
            from linear_networks.solvers import exact

            solution = exact.solve(dynamics, start, times, observe, progress, limit)
    seconds = (time.perf_counter() - began) / len(runs)

    described = [_description(run, dynamics.data.shape, fitted) for run in runs]
    measured = {
        "outcome": solution.outcome,
        "seconds": np.full(len(runs), seconds),
        **initializations.invariants(start.factors, dynamics.data.shape[1], _widths(runs)),
    }
    if solver["method"] != "exact":
        measured["evaluations" if steps is None else "steps"] = solution.work
        measured |= _ends(dynamics, start, end, solution, 0.0 if steps is None else solver["step_size"])
    if start.modes is not None:
        measured["mode_imbalances"] = start.modes.imbalances
    measured["start_lambda0"] = np.array([np.nan if one.lambda0 is None else one.lambda0 for one in starts])
    if "factors" in record:
        kept = state if isinstance(dynamics, Symmetric) else start.factors
        measured["factors"] = kept.reshape(len(runs), -1)
    table = parquet.table(
        (
            parquet.parameters(run.point)
            | row
            | {"seed": run.seed, "matrix": run.matrix}
            | {name: _plain(values[place]) for name, values in measured.items()}
            | ({"limit_values": limit.values[place].tolist()} if np.isfinite(limit.values[place]).all() else {})
            for place, (row, run) in enumerate(zip(described, runs, strict=True))
        ),
        parquet.RUNS,
    )
    return table, _trajectories(described, times, steps, solution)


def _keeping(state: np.ndarray, observe: Observe) -> tuple[np.ndarray, Observe]:
    """The latest state of every run, from the start on, and the function that observes and keeps it."""
    latest = state.copy()

    def keep(dynamics: Dynamics, states: np.ndarray, runs: Index) -> Mapping[str, np.ndarray]:
        latest[runs] = states  # in the order of time: of several states of a run the last stays
        return observe(dynamics, states, runs)

    return latest, keep


def _ends(
    dynamics: Dynamics, start: Start, end: np.ndarray, solution: Solution, step_size: float
) -> dict[str, np.ndarray]:
    """What is known of the last states, shape (runs, ...), of a flow or of descent; NaN where they diverged."""
    found, rows, kept = {}, dynamics.data.shape[1], solution.outcome != DIVERGED
    if not kept.any():
        return {}
    dynamics, end = dynamics.select(kept), end[kept]
    imbalance = dynamics.imbalance(end)
    if imbalance is not None:
        found["imbalance_end"] = np.sqrt(squared_norm(imbalance))
    if "local_rate" in solution.observed:
        found["rate_end"] = rates.local(dynamics.data, end[:, :rows], end[:, rows:], step_size)
        if start.modes is not None:
            left, right = start.modes.left[kept].mT @ end[:, :rows], start.modes.right[kept].mT @ end[:, rows:]
            found["mode_imbalances_end"] = np.vecdot(left, left) - np.vecdot(right, right)
    return {name: _spread(values, kept) for name, values in found.items()}


def _spread(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Values of the runs that are kept, among NaN for the others."""
    spread = np.full((len(kept), *values.shape[1:]), np.nan)
    spread[kept] = values
    return spread


def _plain(value: Any) -> Any:
    """A value of a row: null for what is not a number."""
    return None if np.asarray(value).dtype.kind == "f" and not np.all(np.isfinite(value)) else value.tolist()


def _start(run: Run, data: np.ndarray) -> Start:
    """Start of a run, gauge-reduced where the dynamics has the freedom."""
    start = initializations.draw(rng=run.stream, data=data, width=run.point["width"], **run.point["initialization"])
    return start.reduced() if _is_reducible(run) else start


def _dynamics(runs: list[Run], chosen: list[Matrix], fitted: Mapping[str, float], width: int) -> Dynamics:
    """The dynamics of a batch, for factors of the given width."""
    kind = DYNAMICS[runs[0].dynamics]
    arrays = {"data": np.stack([matrix.values for matrix in chosen])}
    if issubclass(kind, Regularized):
        arrays["target"] = np.stack([np.broadcast_to(_lambda0(run, fitted), width) for run in runs]).astype(float)
        arrays["weight"] = np.array([run.point["regularized"]["weight"] for run in runs])
        arrays["reduced"] = _widths(runs) - width
    if issubclass(kind, Sigmoid):
        arrays["inputs"] = np.stack([matrix.inputs for matrix in chosen if matrix.inputs is not None])
        arrays["outputs"] = np.stack([matrix.outputs for matrix in chosen if matrix.outputs is not None])
    return kind(**arrays)


def _lambda0(run: Run, fitted: Mapping[str, float]) -> Any:
    lambda0 = run.point.get("regularized", {}).get("lambda0")
    return fitted[run.general] if lambda0 == "fit" else lambda0


def _widths(runs: list[Run]) -> np.ndarray:
    return np.array([run.point["width"] for run in runs])


def _note_instability(runs: list[Run], dynamics: Dynamics, factors: np.ndarray) -> None:
    rows = dynamics.data.shape[1]
    inputs = dynamics.inputs if isinstance(dynamics, Sigmoid) else np.ones((len(runs), 1, 1))
    matrices = (dynamics.data, factors[:, :rows], factors[:, rows:], inputs)
    norms = np.stack([np.linalg.norm(part, 2, axis=(1, 2)) for part in matrices], axis=1)
    step_size = runs[0].point["solver"]["step_size"]
    unstable = sum(step_size * dynamics.curvature(*sizes) > 2.0 for sizes in norms.tolist())
    if unstable:
        logging.info("%d of %d runs have a step size past the stability limit", unstable, len(runs))


def _description(run: Run, shape: tuple[int, ...], fitted: Mapping[str, float]) -> dict[str, Any]:
    """The columns of a run that stand in both tables."""
    _, rows, columns = shape
    parameters = parquet.parameters(run.point)
    lambda0 = _lambda0(run, fitted)
    return {
        "run": run.id,
        "experiment": run.experiment,
        "dynamics": run.dynamics,
        "solver": run.point["solver"]["method"],
        "replicate": run.replicate,
        "rows": rows,
        "columns": columns,
        "width": parameters["width"],
        "scale": parameters["scale"],
        "lambda0": None if isinstance(lambda0, list) else lambda0,
    }


def _trajectories(
    described: list[dict[str, Any]], times: np.ndarray, steps: np.ndarray | None, solution: Solution
) -> pa.Table:
    """One row per run and sample that was observed."""
    run, sample = np.nonzero(np.isfinite(solution.observed["error"]))
    columns: dict[str, pa.Array] = {"t": pa.array(times[sample])}
    if steps is not None:
        columns["step"] = pa.array(steps[sample])
    for name, values in solution.observed.items():
        columns[name] = _column(values[run, sample])
    for name in described[0]:
        kind = parquet.TRAJECTORIES.field(name).type
        columns[name] = pa.array([row[name] for row in described], type=kind).take(pa.array(run))
    return pa.table(
        [columns.get(field.name, pa.nulls(len(run), field.type)) for field in parquet.TRAJECTORIES],
        schema=parquet.TRAJECTORIES,
    )


def _column(values: np.ndarray) -> pa.Array:
    """Column of numbers, null where NaN, or of lists of numbers from the rows of a matrix."""
    if values.ndim == 1:
        return pa.array(values, from_pandas=True)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))


def _in_order(table: pa.Table, order: Mapping[str, int]) -> pa.Table:
    places = np.array([order[run] for run in table["run"].to_pylist()], dtype=np.intp)
    return table.take(pa.array(np.argsort(places, kind="stable")))
