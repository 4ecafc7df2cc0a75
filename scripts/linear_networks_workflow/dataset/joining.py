"""Rows of a stage beside what is known of their runs: of files a row group after the other, or in memory."""

from collections.abc import Iterator, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def rows(path: str, columns: Sequence[str], runs: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of some runs in a file.

    Parameters
    ----------
    path : str
    columns : sequence of str
        Of the file.
    runs : DataFrame
        With the column `run`. Its other columns, but those of the file, stand beside the rows.
    """
    names = pa.array(runs["run"], pa.string())
    others = runs.drop(columns=[name for name in columns if name in runs])
    with pq.ParquetFile(path, read_dictionary=["run"], page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            run = file.read_row_group(group, ["run"])["run"].combine_chunks()
            places = pc.index_in(run.dictionary, names).take(run.indices)
            if places.null_count == len(places):
                continue
            kept = places.is_valid()
            found = frame(file.read_row_group(group, [*columns]).filter(kept))
            beside = others.iloc[places.filter(kept).to_numpy()].set_axis(found.index)
            yield pd.concat([found, beside], axis=1)


def joined(rows: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of some runs with the columns of these beside them, of what is in memory."""
    return rows.merge(runs[["run", *runs.columns.difference(rows.columns, sort=False)]], on="run")


def frame(table: pa.Table) -> pd.DataFrame:
    """A data frame whose lists stay in Arrow, in which they take no objects."""
    return table.to_pandas(types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_list(kind) else None)
