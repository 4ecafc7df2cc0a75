"""Auditing a dataset: its files against its card, what holds of every row, and some runs computed again."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from linear_networks.matrices.source import Data
from linear_networks.outcomes import DIVERGED
from linear_networks_workflow import grid
from linear_networks_workflow.dataset import checksums, parquet
from linear_networks_workflow.dataset.audit import rows
from linear_networks_workflow.dataset.audit.comparison import (
    TOLERANCE,
    Change,
    Comparison,
    Deviation,
    compare_runs,
    deviations,
    disagreement,
)
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.grid import Run
from linear_networks_workflow.stages import lambda0_fits, rate_fits, simulation, tables
from linear_networks_workflow.stages.matrices import generate

Config = Mapping[str, Any]


@dataclass
class Findings:
    """What was checked, and how far stored numbers are from those computed again.

    Attributes
    ----------
    counts : dict of int
        By what was counted.
    largest : dict of Deviation
        By stage, the largest deviation within tolerance.
    rounded, edges : dict of int
        By stage, the number of columns of runs beyond it, and of rates that can just be measured or just not, as
        rounding makes them.
    """

    counts: dict[str, int] = field(default_factory=dict)
    largest: dict[str, Deviation] = field(default_factory=dict)
    rounded: dict[str, int] = field(default_factory=dict)
    edges: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int) -> None:
        """Add to what was counted."""
        self.counts[what] = self.counts.get(what, 0) + number

    def note(self, stage: str, found: Comparison) -> None:
        """Keep what a comparison has found."""
        so_far = self.largest.setdefault(stage, found.largest)
        self.largest[stage] = max(so_far, found.largest, key=lambda deviation: deviation.size)
        self.rounded[stage] = self.rounded.get(stage, 0) + found.rounded
        self.edges[stage] = self.edges.get(stage, 0) + found.edges

    def summary(self) -> list[str]:
        """What was found, in lines."""
        lines = [f"Checked {', '.join(f'{number} {what}' for what, number in self.counts.items())}."]
        for stage, deviation in self.largest.items():
            where = f" in column {deviation.column}" if deviation.size else ""
            beyond = f"; {self.rounded[stage]} columns of runs deviate more, as rounding makes them"
            edges = f"; {self.edges[stage]} rates can just be measured, or just not, as rounding decides"
            lines.append(
                f"{stage}: largest relative deviation {deviation.size:.1g}{where}"
                f"{beyond * (self.rounded[stage] > 0)}{edges * (self.edges[stage] > 0)}."
            )
        return lines


def audit(card: str, sampled: int, rng: np.random.Generator, progress: Callable[[float], None]) -> Findings:
    """Audit the dataset that a card describes.

    Parameters
    ----------
    card : str
        `results/croissant.json`; the dataset is below the working directory.
    sampled : int
        How many runs of every file of runs are computed again.
    rng : numpy.random.Generator
        Chooses them.
    progress : callable
        Called with the fraction done.

    Raises
    ------
    InputError
        At the first thing that is wrong; it names file, run and column.
    """
    findings = Findings()
    files, config = checksums.check(card), _config(card)
    for file in sorted(set(files) ^ set(grid.dataset_files(config))):
        raise InputError(f"{file}: is one of the files in {card} or of those that the config there makes, not of both")
    findings.count("files", len(files))
    chunks = [
        _Chunk(config, experiment, dynamics, number)
        for experiment, settings in config["experiments"].items()
        for dynamics in grid.blocks(settings)
        for number in grid.chunks(config, experiment, dynamics)
    ]
    matrices = {experiment: _audit_matrices(config, experiment, findings) for experiment in config["experiments"]}
    for place, chunk in enumerate(chunks):
        _audit_chunk(chunk, matrices[chunk.experiment], sampled, rng, findings)
        progress((place + 1) / len(chunks))
    for file in grid.files(config, "tables"):
        _audit_table(config, Path(file).stem, findings)
    return findings


def _config(card: str) -> Config:
    """The config that a card says its dataset is made by."""
    try:
        return json.loads(checksums.read_card(card)["prov:wasGeneratedBy"]["prov:used"]["prov:value"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{card}: holds no config; it is not a card that this workflow has written") from None


def _read(stage: str, file: str) -> pa.Table:
    """Table of a file of a stage."""
    try:
        version = parquet.metadata(file).get("schema_version")
        table = parquet.read(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file}: cannot be read: {str(error).splitlines()[0]}") from None
    if version in (parquet.SCHEMA_VERSION, *parquet.BEFORE):
        with suppress(KeyError):
            return parquet.complete(table, parquet.SCHEMAS[stage], version)
    message = f"is of schema {version}, and this checks {parquet.SCHEMA_VERSION}; take the release that made the file"
    raise InputError(f"{file}: {message}")


def _audit_matrices(config: Config, experiment: str, findings: Findings) -> dict[str, Data]:
    """Check the matrices of an experiment: each that is drawn is drawn again."""
    (file,) = grid.files(config, "matrices", experiment)
    table, seed = _read("matrices", file), config["seed"]
    points, replicates = grid.matrix_points(config, experiment), config["experiments"][experiment]["replicates"]
    stored = table.to_pandas()
    drawn = [point for point in points if grid.is_drawn(point)]
    redrawn = generate(experiment, seed, replicates, drawn, folder="")
    again = parquet.table(redrawn, parquet.MATRICES).to_pandas()
    read = {grid.matrix_id(experiment, seed, 0, point): point for point in points if not grid.is_drawn(point)}
    if sorted(stored["matrix"]) != sorted([*again["matrix"], *read]):
        raise disagreement(file, None, "matrix", "the keys are not those of the config")
    for key, row in again.groupby("matrix", sort=False):
        _compare(file, f"matrix {key}", stored[stored["matrix"] == key], row, findings, "matrices")
    findings.count("matrices drawn again", len(again))
    for row in stored[stored["matrix"].isin(read)].to_dict("records"):
        for column, message in _check_matrix(row, experiment, read[row["matrix"]]):
            raise disagreement(file, f"matrix {row['matrix']}", column, message)
    return parquet.matrices(table)


def _check_matrix(row: Mapping[str, Any], experiment: str, point: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the row of a matrix that was read from a file: the column, and how."""
    for column, expected in (("experiment", experiment), ("source", point["source"])):
        if row[column] != expected:
            yield column, f"{row[column]!r} is stored, the config has {expected!r}"
    if row["rows"] * row["columns"] != len(row["values"]):
        yield "values", f"has {len(row['values'])} numbers, not {row['rows']} x {row['columns']}"
    else:
        values = np.linalg.svdvals(row["values"].reshape(row["rows"], row["columns"]))
        if not np.allclose(row["singular_values"], values, rtol=0.0, atol=TOLERANCE * values[0]):
            yield "singular_values", "are not those of column values"


def _audit_table(config: Config, experiment: str, findings: Findings) -> None:
    """Check the table of an experiment: it is computed again from the rates."""
    file = f"results/tables/{experiment}.parquet"
    runs, rates = (grid.files(config, stage, experiment) for stage in ("runs", "rates"))
    rows = tables.beside_runs(zip(runs, rates, strict=True))
    table = tables.tabulate(rows, grid.axes(config["experiments"][experiment]))
    again, stored = parquet.of_frame(table, parquet.TABLES).to_pandas(), _read("tables", file).to_pandas()
    if len(stored) != len(again):
        raise InputError(f"{file}: has {len(stored)} rows, and the table of the rates {len(again)}")
    for row in range(len(again)):
        _compare(file, f"row {row + 1}", stored.iloc[[row]], again.iloc[[row]], findings, "tables")
    findings.count("rows of tables computed again", len(again))


def _compare(file: str, row: str, stored: pd.DataFrame, again: pd.DataFrame, findings: Findings, stage: str) -> None:
    for deviation in deviations(stored, again):
        if deviation.size > TOLERANCE:
            raise disagreement(file, row, deviation.column, deviation.message)
        findings.note(stage, Comparison(deviation, 0))


@dataclass(frozen=True)
class _Chunk:
    """One file of runs, and what was computed of them."""

    config: Config
    experiment: str
    dynamics: str
    number: str

    def file(self, stage: str) -> str:
        """File of a stage with these runs."""
        part = self.experiment if stage == "lambda0" else f"{self.experiment}/{self.dynamics}"
        return f"results/{stage}/{part}/{self.number}.parquet"

    def has(self, stage: str) -> bool:
        """Whether the stage computes something of these runs."""
        if stage == "lambda0" and self.dynamics not in grid.generals(self.config["experiments"][self.experiment]):
            return False
        return self.file(stage) in grid.files(self.config, stage, self.experiment)

    def runs(self) -> list[Run]:
        """The runs, as the config has them."""
        points = grid.chunk_points(self.config, self.experiment, self.dynamics, self.number)
        return list(grid.runs(self.experiment, self.dynamics, self.config["seed"], points))

    def compute(
        self, runs: Sequence[Run], matrices: Mapping[str, Data], fitted: simulation.Fitted, change: Change
    ) -> dict[str, pd.DataFrame]:
        """Runs and trajectories of some of the runs."""
        record, kept = grid.record(self.config, self.experiment, self.dynamics), self.has("trajectories")
        found, trajectories = simulation.simulate(
            runs, _changed_matrices(matrices, change), record, fitted, trajectories=kept
        )
        tables = {"runs": found} | ({"trajectories": trajectories} if kept else {})
        return {stage: _as_stored(table, _columns(self.file(stage))) for stage, table in tables.items()}


def _audit_chunk(
    chunk: _Chunk, matrices: Mapping[str, Data], sampled: int, rng: np.random.Generator, findings: Findings
) -> None:
    """Check every row of one file of runs and of their samples, and compute some of the runs and their fits again."""
    stages = [stage for stage in ("runs", "trajectories", "rates", "lambda0") if chunk.has(stage)]
    files = {stage: chunk.file(stage) for stage in stages}
    read = {stage: _read(stage, file) for stage, file in files.items()}
    stored, runs = {stage: table.to_pandas() for stage, table in read.items()}, chunk.runs()
    fitted = parquet.fitted(grid.fitted_files(chunk.config, chunk.experiment, chunk.dynamics, chunk.number))

    if stored["runs"]["run"].tolist() != [run.id for run in runs]:
        raise disagreement(files["runs"], None, "run", "the keys are not those of the config")
    for stage in stages[1:]:
        for key in set(stored[stage]["run"]) - set(stored["runs"]["run"]):
            raise disagreement(files[stage], f"run {key}", "run", "the key is of no run")
    trajectories = stored.get("trajectories")
    samples = {} if trajectories is None else dict(list(trajectories.groupby("run", sort=False)))
    for row, run in zip(read["runs"].to_pylist(), runs, strict=True):
        _check_rows(row, run, samples.get(run.id), matrices[run.matrix], fitted.get(run.general or ""), files)
    findings.count("runs", len(runs))
    findings.count("samples", 0 if trajectories is None else len(trajectories))

    chosen = [runs[place] for place in np.sort(rng.choice(len(runs), min(sampled, len(runs)), replace=False))]
    keys = [run.id for run in chosen]
    some = {stage: frame[frame["run"].isin(keys)] for stage, frame in stored.items()}
    needed = {run.matrix: matrices[run.matrix] for run in chosen}
    sizes = {run.id: 1e-3 * float(np.linalg.norm(matrices[run.matrix].values)) for run in chosen}
    found = compare_runs(some, partial(chunk.compute, chosen, needed, fitted), files, sizes)
    fits = {"rates": rate_fits.fit, "lambda0": lambda0_fits.fit}
    for stage, fit in ((stage, fit) for stage, fit in fits.items() if stage in stages):
        refit = partial(_refit, stage, _columns(files[stage]), fit, some["runs"], some["trajectories"], needed)
        found |= compare_runs(some, refit, files, sizes)
    for stage, comparison in found.items():
        findings.note(stage, comparison)
    findings.count("runs computed again", len(chosen))


def _columns(file: str) -> set[str]:
    """Columns of a file, which is of this version or of one before."""
    return set(parquet.pq.read_schema(file).names)


def _as_stored(table: pa.Table, columns: Collection[str]) -> pd.DataFrame:
    """A table with those of its columns that were stored."""
    return table.select([name for name in table.column_names if name in columns]).to_pandas()


def _refit(
    stage: str,
    columns: Collection[str],
    fit: Callable[..., pa.Table],
    runs: pd.DataFrame,
    trajectories: pd.DataFrame,
    matrices: Mapping[str, Data],
    change: Change,
) -> dict[str, pd.DataFrame]:
    """Columns of what is fitted to stored runs, by its stage."""
    names = ("distance", "gramian_distance", "local_rate")
    numbers = {name: change(trajectories[name].to_numpy()) for name in names}
    vectors = trajectories[["singular_values", "product"]].map(lambda value: None if value is None else change(value))
    samples = parquet.of_frame(trajectories.assign(**numbers, **vectors), parquet.TRAJECTORIES)
    table = fit(parquet.of_frame(runs, parquet.RUNS), samples, _changed_matrices(matrices, change))
    return {stage: _as_stored(table, columns)}


def _changed_matrices(matrices: Mapping[str, Data], change: Change) -> dict[str, Data]:
    return {key: matrix._replace(values=change(matrix.values)) for key, matrix in matrices.items()}


def _check_rows(
    row: Mapping[str, Any],
    run: Run,
    samples: pd.DataFrame | None,
    matrix: Data,
    fitted: float | None,
    files: Mapping[str, str],
) -> None:
    """Check the row of a run and its samples, None where it has none or none are kept."""
    for column, value in rows.expected_run(run, matrix.values.shape, fitted).items():
        if row[column] != value:
            raise disagreement(
                files["runs"], f"run {run.id}", column, f"{row[column]!r} is stored, the config has {value!r}"
            )
    if samples is None:
        if "trajectories" in files and row["outcome"] != DIVERGED:
            raise disagreement(files["trajectories"], f"run {run.id}", "run", "the run has no samples")
        return
    for column, right, message in rows.check_samples(row, run, samples, matrix):
        if not right.all():
            sample = samples.iloc[int(np.argmin(right))]
            message = f"at t = {sample['t']:g} {sample[column]} {message}"
            raise disagreement(files["trajectories"], f"run {run.id}", column, message)
