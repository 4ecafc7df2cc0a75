"""Runs of one chunk: grouped into batches of one shape, computed by the library, laid out as tables."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import compress, groupby
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa

from linear_networks import initializations
from linear_networks.arrays import Mask, squared_norm
from linear_networks.dynamics import DYNAMICS
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.initializations.start import Start, invariants, stack
from linear_networks.losses import LOSSES
from linear_networks.matrices.source import Data
from linear_networks.measure import observables
from linear_networks.outcomes import DIVERGED
from linear_networks.solvers import SOLVERS
from linear_networks.solvers.solution import Progress
from linear_networks.solvers.solver import Solver
from linear_networks.theory.limits import Limit
from linear_networks_workflow import grid, logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.grid import Run
from linear_networks_workflow.memory import MOST_RUNS_PER_BLOCK, drawing, mib_per_run, observed, runs_per_block
from linear_networks_workflow.stages import rows, stability

Matrices = Mapping[str, Data]
Fitted = Mapping[str, float | None]


def simulate(
    runs: Sequence[Run],
    matrices: Matrices,
    record: Collection[str] = (),
    fitted: Fitted = MappingProxyType({}),
    progress: Progress = lambda fraction: None,
    trajectories: bool = True,
) -> tuple[pa.Table, pa.Table]:
    """Compute runs.

    Parameters
    ----------
    runs : sequence of Run
    matrices : mapping to Data
        Data matrices by id.
    record : collection of str
        What else to keep: `product`, `factors`, `kernel`.
    fitted : mapping to float or None
        lambda0 by run of the asymmetric dynamics, for regularized runs that take theirs from it. Those that find None
        have diverged with it.
    progress : callable
        Called with the fraction done.
    trajectories : bool
        Whether samples are kept; without them, runs observe no more than their rows need.

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
        tables += _simulate_batch(batch, matrices, record, fitted, share, trajectories)
    order = {run.id: place for place, run in enumerate(runs)}
    found, samples = (pa.concat_tables(part) for part in zip(*tables, strict=True))
    return _in_order(found, order), _in_order(samples, order)


def simulate_blocks(
    runs: Sequence[Run],
    path: str,
    record: Collection[str],
    fitted: Fitted,
    granted: float,
    progress: Progress,
    trajectories: bool = True,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """`simulate`, of as many runs at a time as fit into the memory that a job has been granted.

    Parameters
    ----------
    runs, record, fitted, progress, trajectories
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
        needed = [_mib(run, matrices[run.matrix], record, trajectories) for run in block]
        block = block[: runs_per_block(granted - max(first for first, _ in needed), max(kept for _, kept in needed))]
        share = logs.part(progress, done / len(runs), (done + len(block)) / len(runs))
        yield simulate(block, matrices, record, fitted, share, trajectories)
        done += len(block)


def _mib(run: Run, matrix: Data, record: Collection[str], trajectories: bool) -> tuple[float, float]:
    """MiB that a run takes while it is drawn, and of its block."""
    height, breadth = matrix.values.shape
    numbers = observed(height, breadth, run.point["time"]["samples"], record, trajectories)
    examples = 0 if matrix.inputs is None else len(matrix.inputs)
    stages = SOLVERS[run.point["solver"]["method"]].stages
    kept = mib_per_run(height, breadth, _state_width(run, matrix), numbers, examples, stages)
    kind = INITIALIZATIONS[run.point["initialization"]["kind"]]
    return drawing(height, breadth, kind.drawn(height, breadth, run.point["width"])), kept


def _state_width(run: Run, matrix: Data) -> int:
    """Columns of the factors that a run is computed with."""
    return min(run.point["width"], sum(matrix.values.shape)) if _is_reducible(run) else run.point["width"]


def _batch_key(matrices: Matrices) -> Callable[[Run], str]:
    """What the runs of one batch have in common: the dynamics, the shape of its state, the solver and the times."""

    def key(run: Run) -> str:
        matrix = matrices[run.matrix]
        shape = *matrix.values.shape, _state_width(run, matrix)
        start = run.point["initialization"]
        by_mode = INITIALIZATIONS[start["kind"]].by_mode(**start)
        names = run.dynamics, run.point["loss"], start["kind"], start.get("tied"), by_mode
        common = [names, shape, run.point["solver"], run.point["time"]]
        return json.dumps(common, sort_keys=True)

    return key


def _is_reducible(run: Run) -> bool:
    """Whether the factors keep their whole gauge freedom."""
    return DYNAMICS[run.dynamics].keeps_gauge(run.point["dynamics"])


class _Batch(NamedTuple):
    """Runs of one shape, the data of each, and where it starts."""

    runs: list[Run]
    data: list[Data]
    starts: list[Start]

    @classmethod
    def of(cls, runs: list[Run], matrices: Matrices) -> Self:
        data = [matrices[run.matrix] for run in runs]
        # A scale may be too large for a start: it is found not to be finite.
        with np.errstate(over="ignore", invalid="ignore"):
            return cls(runs, data, [_start(run, one.values) for run, one in zip(runs, data, strict=True)])

    def select(self, kept: Mask) -> Self:
        runs, data, starts = self
        return type(self)(list(compress(runs, kept)), list(compress(data, kept)), list(compress(starts, kept)))


def _simulate_batch(
    runs: list[Run],
    matrices: Matrices,
    record: Collection[str],
    fitted: Fitted,
    progress: Progress,
    trajectories: bool,
) -> list[tuple[pa.Table, pa.Table]]:
    """Runs and trajectories of a batch; runs that are not finite from the start on apart, as diverged there."""
    batch = _Batch.of(runs, matrices)
    finite = _are_finite(batch, fitted)
    parts = []
    if finite.any():
        parts.append(_solve(batch.select(finite), record, fitted, progress, trajectories))
    if not finite.all():
        parts.append(_diverge(batch.select(~finite), fitted))
    return parts


def _are_finite(batch: _Batch, fitted: Fitted) -> Mask:
    """Whether the start of each run, what moves it and what it is measured by are numbers, shape (runs,)."""
    factors = stack(batch.starts).factors
    with np.errstate(all="ignore"):
        problem = _problem(batch, fitted, factors.shape[-1])
        state = problem.start(factors)
        # The square of ||R||^2 is no smaller than that of the Gramian and of Q.
        measured = (squared_norm(factors) ** 2, problem.objective(state), problem.error(state))
        return np.logical_and.reduce(np.isfinite([*measured, *problem.velocity(state).T]))


def _diverge(batch: _Batch, fitted: Fitted) -> tuple[pa.Table, pa.Table]:
    """Rows of runs that have diverged at once, and no samples."""
    outcome = {"outcome": np.full(len(batch.runs), DIVERGED)}
    return rows.runs_table(_described(batch, fitted), outcome), parquet.TRAJECTORIES.empty_table()


def _solve(
    batch: _Batch, record: Collection[str], fitted: Fitted, progress: Progress, trajectories: bool
) -> tuple[pa.Table, pa.Table]:
    """Runs and trajectories of a batch; no rows of these where they are not kept."""
    began = time.perf_counter()
    runs, data, starts = batch
    start, widths = stack(starts), np.array([run.point["width"] for run in runs])
    problem, solver = _problem(batch, fitted, start.factors.shape[-1]), _solver(runs[0])
    state = problem.start(start.factors)
    limit = Limit.of(problem, widths, start)
    everything = observables.observer(problem, state, widths, "product" in record, limit, "kernel" in record)
    observe = everything if trajectories else observables.summarize
    end, keep = rows.keeping(state, observe)
    stability.note(runs, data, start.factors)
    times = grid.sample_times(runs[0].point["time"])
    solution = solver.solve(problem, start, times, observe if solver.closed_form else keep, progress, limit)
    seconds = (time.perf_counter() - began) / len(runs)

    measured = {
        **rows.progress(problem, limit, solution, solver),
        "outcome": solution.outcome,
        "seconds": np.full(len(runs), seconds),
        **invariants(start.factors, problem.data.shape[1], widths),
        "start_lambda0": np.array([np.nan if one.lambda0 is None else one.lambda0 for one in starts]),
        "start_tau": np.array([np.nan if one.lambda0 is None else one.tau for one in starts]),
        "limit_values": np.where(np.isfinite(limit.values).all(axis=1, keepdims=True), limit.values, np.nan),
    }
    if solver.work:
        measured[solver.work] = solution.work
    if not solver.closed_form:
        measured |= rows.ends(problem, limit.theory, start, end, solution, solver)
    measured |= rows.kernels(solution)
    if start.modes is not None:
        measured["mode_imbalances"] = start.modes.imbalances
    if "factors" in record:
        kept = np.concatenate(problem.split(state), axis=1) if problem.model.has_factors else start.factors
        measured["factors"] = kept.reshape(len(runs), -1)
    described = _described(batch, fitted)
    samples = rows.trajectories_table(described, solution) if trajectories else parquet.TRAJECTORIES.empty_table()
    return rows.runs_table(described, measured), samples


def _start(run: Run, data: np.ndarray) -> Start:
    """Start of a run, gauge-reduced where the dynamics has the freedom."""
    start = initializations.draw(rng=run.stream, data=data, width=run.point["width"], **run.point["initialization"])
    return start.reduced() if _is_reducible(run) else start


def _problem(batch: _Batch, fitted: Fitted, width: int) -> Problem:
    """The problems of a batch, for factors with so many columns."""
    runs = batch.runs
    described = runs[0].point["loss"]
    loss = LOSSES[described["kind"]].of(batch.data, described)
    parameters = [{**run.point["dynamics"], "lambda0": _lambda0(run, fitted)} for run in runs]
    widths = np.array([run.point["width"] for run in runs])
    return DYNAMICS[runs[0].dynamics].problem(loss, width, widths, parameters)


def _described(batch: _Batch, fitted: Fitted) -> dict[str, pa.Array]:
    lambda0s = [_lambda0(run, fitted) for run in batch.runs]
    return rows.described(batch.runs, batch.data[0].values.shape, lambda0s)


def _lambda0(run: Run, fitted: Fitted) -> Any:
    """lambda0 of the penalty: that of the config, or as it was fitted, None to a run that diverged."""
    return run.point["dynamics"].get("lambda0") if run.general is None else fitted[run.general]


def _solver(run: Run) -> Solver:
    settings = dict(run.point["solver"])
    return SOLVERS[settings.pop("method")](**settings)


def _in_order(table: pa.Table, order: Mapping[str, int]) -> pa.Table:
    places = np.array([order[run] for run in table["run"].to_pylist()], dtype=np.intp)
    return table.take(pa.array(np.argsort(places, kind="stable")))
