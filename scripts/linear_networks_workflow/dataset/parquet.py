"""The Parquet files: their columns, and reading and writing them. What a column means is said in `columns`."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from linear_networks.matrices.source import Data
from linear_networks_workflow.dataset import seals, software
from linear_networks_workflow.dataset.parameters import PARAMETERS, VECTOR, WORD
from linear_networks_workflow.dataset.replacing import replacing

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = "6"

# Digits that the loss has lost of what it is above that of its limit, of which runs say when.
DIGITS = (2, 4, 6)

# Columns of runs that files of the versions before may lack; all else is as in these.
ADDED = {
    "start_tau": pa.float64(),
    "loss_end": pa.float64(),
    "error_end": pa.float64(),
    **{f"time_to_{digits}_digits": pa.float64() for digits in DIGITS},
    **{f"steps_to_{digits}_digits": pa.int64() for digits in DIGITS},
    "laziness": pa.float64(),
    "silent_alignment": pa.float64(),
}
# Likewise of trajectories.
ADDED_SAMPLES = {"laziness": pa.float64(), "kernel_cosine": pa.float64()}
# Likewise of fits: the flows of two eigenvalues of Q that are compared with the fitted one.
_FAMILY = {name: pa.float64() for name in ("lambda0", "tau", "gap_max", "gap_l2")}
ADDED_FITS = {f"{prefix}_{name}": kind for prefix in ("mean", "wide") for name, kind in _FAMILY.items()}
BEFORE = ("4", "5")

MATRICES = pa.schema(
    {
        "matrix": pa.string(),
        "experiment": WORD,
        "source": WORD,
        "replicate": pa.int32(),
        "rows": pa.int32(),
        "columns": pa.int32(),
        "values": VECTOR,
        "singular_values": VECTOR,
        "inputs": VECTOR,
        "outputs": VECTOR,
    }
)

# Of a run: what says which it is, and what is found of it.
_KEYS = {
    "run": pa.string(),
    "experiment": WORD,
    "dynamics": WORD,
    "solver": WORD,
    "seed": pa.int64(),
    "replicate": pa.int32(),
    "matrix": pa.string(),
    "rows": pa.int32(),
    "columns": pa.int32(),
}
_FOUND = {
    "imbalance_norm": pa.float64(),
    "imbalance_min": pa.float64(),
    "imbalance_max": pa.float64(),
    "imbalance_eigenvalues": VECTOR,
    "mode_imbalances": VECTOR,
    "start_lambda0": pa.float64(),
    "rank": pa.int32(),
    "product_rank": pa.int32(),
    "limit_values": VECTOR,
    "outcome": WORD,
    "imbalance_end": pa.float64(),
    "mode_imbalances_end": VECTOR,
    "rate_end": pa.float64(),
    **ADDED,
    "steps": pa.int64(),
    "evaluations": pa.int64(),
    "seconds": pa.float64(),
    "factors": VECTOR,
}


# Of a table of rates: what tells rows of the same parameters apart, and what the runs of a row have given.
GROUPS = {"dynamics": WORD, "solver": WORD, "quantity": WORD, "mode": pa.int32()}
AGGREGATES = {
    "measured": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "uncertainty": pa.float64(),
    "predicted": pa.float64(),
    "predicted_by": WORD,
    "ratio": pa.float64(),
    "compared": pa.int32(),
    "inside": pa.int32(),
    "paper": pa.float64(),
    "bound": pa.float64(),
    "violations": pa.int32(),
    "runs": pa.int32(),
    "unmeasured": pa.string(),
}


def check_columns(parameters: Iterable[str]) -> None:
    """Raise TypeError if a parameter has a column that is taken. Y's own sides, and the solver, stand as they are."""
    for name in parameters:
        if name in {**_KEYS, **_FOUND, **GROUPS, **AGGREGATES}.keys() - {"rows", "columns", "solver"}:
            raise TypeError(f"the column {name!r} of a parameter is one of the results; declare another column")


check_columns(PARAMETERS)
_PARAMETERS = {name: column.type for name, column in PARAMETERS.items()}
RUNS = pa.schema({**_KEYS, **_PARAMETERS, **_FOUND})
TABLES = pa.schema({"experiment": WORD, **GROUPS, **_PARAMETERS, **AGGREGATES})

TRAJECTORIES = pa.schema(
    {
        "run": pa.string(),
        "experiment": WORD,
        "dynamics": WORD,
        "solver": WORD,
        "replicate": pa.int32(),
        "rows": pa.int32(),
        "columns": pa.int32(),
        "width": pa.int32(),
        "scale": pa.float64(),
        "lambda0": pa.float64(),
        "t": pa.float64(),
        "step": pa.int64(),
        "loss": pa.float64(),
        "error": pa.float64(),
        "singular_values": VECTOR,
        "drift": pa.float64(),
        "distance": pa.float64(),
        "gramian_distance": pa.float64(),
        "local_rate": pa.float64(),
        **ADDED_SAMPLES,
        "product": VECTOR,
    }
)

_BASIN = {
    "lambda0": pa.float64(),
    "objective": pa.float64(),
    "gap_max": pa.float64(),
    "gap_l2": pa.float64(),
    "curvature": pa.float64(),
    "edge": pa.bool_(),
}

LAMBDA0 = pa.schema(
    {
        "run": pa.string(),
        "experiment": WORD,
        "replicate": pa.int32(),
        "rows": pa.int32(),
        "columns": pa.int32(),
        "width": pa.int32(),
        "scale": pa.float64(),
        **_BASIN,
        **{f"negative_{name}": kind for name, kind in _BASIN.items()},
        **{f"positive_{name}": kind for name, kind in _BASIN.items()},
        "radius": pa.float64(),
        **ADDED_FITS,
        "candidates": VECTOR,
        "objectives": VECTOR,
        "seconds": pa.float64(),
    }
)

RATES = pa.schema(
    {
        "run": pa.string(),
        "experiment": WORD,
        "dynamics": WORD,
        "solver": WORD,
        "replicate": pa.int32(),
        "quantity": WORD,
        "mode": pa.int32(),
        "measured": pa.float64(),
        "uncertainty": pa.float64(),
        "window_start": pa.float64(),
        "window_end": pa.float64(),
        "points": pa.int32(),
        "exponents": pa.int32(),
        "limited_by": WORD,
        "reason": WORD,
        "predicted": pa.float64(),
        "predicted_by": WORD,
        "paper": pa.float64(),
        "bound": pa.float64(),
    }
)

SCHEMAS = {
    "matrices": MATRICES,
    "runs": RUNS,
    "trajectories": TRAJECTORIES,
    "lambda0": LAMBDA0,
    "rates": RATES,
    "tables": TABLES,
}


def parameters(point: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a point of the grid by their columns; None where the point has none."""
    return {name: column.value(point) for name, column in PARAMETERS.items()}


def table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Table of a schema from rows; a missing key is null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def of_frame(frame: "pd.DataFrame", schema: pa.Schema) -> pa.Table:
    """Table of a schema from a data frame with its columns; NaN is null."""
    return pa.Table.from_pandas(frame.astype(object), schema, preserve_index=False).replace_schema_metadata()


def complete(contents: pa.Table, schema: pa.Schema, version: str = SCHEMA_VERSION) -> pa.Table:
    """A table with the columns of a schema; those of parameters that were declared after it was written are null, as
    are those that were added to what it had at its version.

    Raises
    ------
    KeyError
        If it has other columns, or lacks others.
    """
    added = {**ADDED, **ADDED_SAMPLES, **ADDED_FITS} if version in BEFORE else {}
    found, later = set(contents.schema.names), {*PARAMETERS, *added}
    if not set(schema.names) - later <= found <= set(schema.names):
        raise KeyError(f"other columns: {', '.join(sorted(found ^ set(schema.names)))}")
    nulls = {field.name: pa.nulls(len(contents), field.type) for field in schema if field.name not in found}
    return pa.table({name: nulls[name] if name in nulls else contents[name] for name in schema.names})


def forgo_pandas() -> None:
    """Let Arrow find no pandas, which it loads with its first array, for longer than many jobs compute.

    It is for jobs that make no data frames: where one is asked for, pandas is loaded after all, but until then a Series
    is no array to Arrow.
    """
    sys.meta_path.insert(0, _NoPandas)
    pa.array([0.0])
    sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """Finds that there is no pandas, and leaves other modules to other finders."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def read(
    paths: str | Iterable[str], columns: list[str] | None = None, filters: pc.Expression | None = None
) -> pa.Table:
    """One table from one or several Parquet files of one schema; the checksums of what is read are verified."""
    paths = [paths] if isinstance(paths, str) else paths
    parts = [pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True) for path in paths]
    return pa.concat_tables(parts, promote_options="permissive")


def write(contents: pa.Table, path: str | Path, provenance: Mapping[str, str]) -> None:
    """Write a table with its metadata, see `writing`."""
    with writing(path, contents.schema, provenance) as add:
        add(contents)


@contextmanager
def writing(path: str | Path, schema: pa.Schema, provenance: Mapping[str, str]) -> Iterator[Callable[[pa.Table], None]]:
    """Function that adds a table to a file as one row group.

    The file carries in its metadata the schema version, where it comes from, see `provenance.metadata`, software,
    processor and BLAS, and its seal. It appears whole or not at all.
    """
    metadata = {"schema_version": SCHEMA_VERSION, **provenance, "software": json.dumps(software.used())}
    schema = schema.with_metadata(metadata)
    floats = [name for name, kind in _leaves(schema) if pa.types.is_floating(kind)]
    words = [name for name, kind in _leaves(schema) if name not in floats]
    with replacing(path) as temporary:
        writer = pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            use_dictionary=words,
            column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
            write_page_checksum=True,
        )
        with writer:
            yield lambda table: writer.write_table(
                table.replace_schema_metadata(metadata), row_group_size=max(table.num_rows, 1)
            )
            writer.add_key_value_metadata(seals.UNSEALED)
        seals.seal(temporary)


def metadata(path: str | Path) -> dict[str, str]:
    """What `write` says of a file: `schema_version`, `config` and `software` as JSON, `made_from` and `sha256`."""
    return {name.decode(): text.decode() for name, text in (pq.read_schema(path).metadata or {}).items()}


def _leaves(schema: pa.Schema) -> Iterator[tuple[str, pa.DataType]]:
    for field in schema:
        if pa.types.is_list(field.type):
            yield f"{field.name}.list.element", field.type.value_type
        else:
            yield field.name, field.type


def fitted(paths: Iterable[str]) -> dict[str, float | None]:
    """Fitted lambda0 by run of the asymmetric dynamics; None where that run diverged."""
    rows = [row for path in paths for row in read(path, ["run", "lambda0"]).to_pylist()]
    return {row["run"]: row["lambda0"] for row in rows}


def matrices(table: pa.Table) -> dict[str, Data]:
    """The data matrices of a table of them, by id."""
    found = {}
    for row in table.to_pylist():
        rows, columns = row["rows"], row["columns"]
        shapes = {"values": (rows, columns), "inputs": (-1, rows), "outputs": (-1, columns)}
        parts = {name: np.reshape(row[name], shape) for name, shape in shapes.items() if row[name] is not None}
        found[row["matrix"]] = Data(**parts)
    return found


def matrices_of(path: str, runs: Iterable[tuple[str, int]]) -> dict[str, Data]:
    """The data matrices of some runs, each given by the id of its matrix and its replicate.

    Row groups without their replicates are not read.
    """
    ids, replicates = (set(parts) for parts in zip(*runs, strict=True))
    near = (pc.field("replicate") >= min(replicates)) & (pc.field("replicate") <= max(replicates))
    wanted = (near | pc.field("replicate").is_null()) & pc.field("matrix").isin(list(ids))
    return matrices(read(path, filters=wanted))
