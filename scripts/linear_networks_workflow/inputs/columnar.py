"""Parquet files of a user."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from linear_networks.components import Refused
from linear_networks_workflow.errors import short
from linear_networks_workflow.inputs.reading import reading


def read(path: Path) -> pd.DataFrame:
    """The columns of a file: numbers, truth values or text. An index without a name is left out."""
    # Of this file alone: names of folders are no columns.
    with reading("DataFrame.to_parquet(path)"), pq.ParquetFile(path) as file:
        frame = _plain(file.read()).to_pandas()
    named = [name for name in frame.index.names if name is not None]
    if named:
        message = f"is {short(named[0])} a column? pandas wrote it as its index; write"
        raise Refused("path", f"{message} reset_index() before to_parquet if so, reset_index(drop=True) if not")
    # As the file has them: pandas makes numbers of headings that were some, and tuples of those of several levels.
    return frame.set_axis([str(heading).strip() for heading in frame.columns], axis=1)


def _plain(table: pa.Table) -> pa.Table:
    """A table of which decimals are floating-point numbers; other types than those that are read are refused."""
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_decimal(kind):
            table = table.set_column(
                place, field.with_type(pa.float64()), table[place].cast(pa.string()).cast(pa.float64())
            )
        elif pa.types.is_temporal(kind):
            raise Refused("path", f"column {short(field.name)} holds {kind}; write times as numbers in a unit")
        elif not any(test(kind) for test in READ):
            raise Refused(
                "path", f"column {short(field.name)} holds {short(kind)}; write numbers or text, or leave it out"
            )
    return table


READ = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
)
