"""What programs write of a matrix and of a table, mostly by default: the right Y, or one line that says why not."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.io
from numpy.testing import assert_array_equal

from linear_networks.matrices import SOURCES
from linear_networks_workflow import inputs
from linear_networks_workflow.errors import InputError

Y = np.array([[3.0, 0.2, 0.0, 0.1], [0.1, 2.0, 0.3, 0.0], [0.0, 0.4, 1.0, 0.2]])
FRAME = pd.DataFrame(Y)
NAMED = pd.DataFrame(Y, index=["u", "v", "w"], columns=["a", "b", "c", "d"])
WHOLE = pd.DataFrame(Y.round().astype(int))

HEADINGS = "a matrix has none: write to_csv(path, header=False, index=False) in pandas"
INDEX = "as an index or names of rows are, and a matrix has none"

# What R writes of `m <- matrix(c(3, .1, 0, .2, 2, .4, 0, .3, 1, .1, 0, .2), 3)`.
R_CSV = '"","V1","V2","V3","V4"\n"1",3,0.2,0,0.1\n"2",0.1,2,0.3,0\n"3",0,0.4,1,0.2\n'
R_TABLE = '"V1" "V2" "V3" "V4"\n"1" 3 0.2 0 0.1\n"2" 0.1 2 0.3 0\n"3" 0 0.4 1 0.2\n'
R_CSV_WITHOUT_ROWS = '"V1","V2","V3","V4"\n3,0.2,0,0.1\n0.1,2,0.3,0\n0,0.4,1,0.2\n'
R_TABLE_WITHOUT_COLUMNS = '"1" 3 0.2 0 0.1\n"2" 0.1 2 0.3 0\n"3" 0 0.4 1 0.2\n'
R_TABLE_WITHOUT_QUOTES = "1 3 0.2 0 0.1\n2 0.1 2 0.3 0\n3 0 0.4 1 0.2\n"
R_TABLE_BARE = "3 0.2 0 0.1\n0.1 2 0.3 0\n0 0.4 1 0.2\n"

# By the call that writes: the ending of the file's name, the writer, and why it is refused, if it is.
MATRICES = {
    "to_csv(path)": (".csv", FRAME.to_csv, f"line 1 is 0, 1, 2, …, as headings are, and {HEADINGS}"),
    "to_csv(path, index=False)": (".csv", lambda path: FRAME.to_csv(path, index=False), HEADINGS),
    "to_csv(path, header=False)": (".csv", lambda path: FRAME.to_csv(path, header=False), INDEX),
    "to_csv(path, header=False, index=False)": (
        ".csv",
        lambda path: FRAME.to_csv(path, header=False, index=False),
        None,
    ),
    "to_csv(path, sep='\\t')": (".tsv", lambda path: FRAME.to_csv(path, sep="\t"), HEADINGS),
    "to_csv(path, sep=';', decimal=',')": (
        ".csv",
        lambda path: FRAME.to_csv(path, sep=";", decimal=",", header=False, index=False),
        "row 1, column 1: '3,0' is not a finite number; write decimals with a point",
    ),
    "to_csv(path) of names": (".csv", NAMED.to_csv, f"line 1 holds headings (a, b, c, d), and {HEADINGS}"),
    "to_csv(path, header=False) of names": (
        ".csv",
        lambda path: NAMED.to_csv(path, header=False),
        "row 1, column 1: 'u' is not a finite number",
    ),
    "to_csv(path) of whole numbers": (".csv", WHOLE.to_csv, HEADINGS),
    "to_csv(path, index=False) of whole numbers": (".csv", lambda path: WHOLE.to_csv(path, index=False), HEADINGS),
    "to_csv(path, header=False) of whole numbers": (".csv", lambda path: WHOLE.to_csv(path, header=False), INDEX),
    "to_csv(path.gz)": (".csv.gz", FRAME.to_csv, HEADINGS),
    "to_parquet(path)": (".parquet", FRAME.to_parquet, None),
    "to_parquet(path) of names": (".parquet", NAMED.to_parquet, None),
    "to_parquet(path) of a named index": (
        ".parquet",
        NAMED.rename_axis("rows").to_parquet,
        "is 'rows' a column? pandas wrote it as its index; write reset_index() before to_parquet if so",
    ),
    "reset_index().to_parquet(path)": (".parquet", FRAME.rename(columns=str).reset_index().to_parquet, INDEX),
    "savetxt(path, Y)": (".txt", lambda path: np.savetxt(path, Y), None),
    "savetxt(path.csv, Y)": (".csv", lambda path: np.savetxt(path, Y), None),
    "savetxt(path.gz, Y)": (".txt.gz", lambda path: np.savetxt(path, Y), None),
    "savetxt(path, Y, header=…)": (".txt", lambda path: np.savetxt(path, Y, header="a b c d\n3 x 4"), None),
    "savetxt(path, Y, header=…, comments='')": (
        ".txt",
        lambda path: np.savetxt(path, Y, header="a b c d", comments=""),
        f"line 1 holds headings (a, b, c, d), and {HEADINGS}",
    ),
    "savetxt(path, Y, '%g', ',')": (".csv", lambda path: np.savetxt(path, Y, "%g", ","), None),
    "save(path, Y)": (".npy", lambda path: np.save(path, Y), None),
    "save(path, Y) in Fortran's order": (".npy", lambda path: np.save(path, np.asfortranarray(Y)), None),
    "savez(path, Y)": (".npz", lambda path: np.savez(path, Y), None),
    "savez_compressed(path, Y=Y)": (".npz", lambda path: np.savez_compressed(path, Y=Y), None),
    "savez(path, Y, Y)": (
        ".npz",
        lambda path: np.savez(path, Y, Y),
        "key: y.npz: missing; the file holds arr_0, arr_1",
    ),
    "savemat(path, {'Y': Y})": (".mat", lambda path: scipy.io.savemat(path, {"Y": Y}), None),
    "savemat(path, {'Y': Y}, format='4')": (".mat", lambda path: scipy.io.savemat(path, {"Y": Y}, format="4"), None),
    "savemat(path, {'Y': Y, 'k': 3})": (
        ".mat",
        lambda path: scipy.io.savemat(path, {"Y": Y, "k": 3}),
        "matrix.key: y.mat: missing; the file holds Y (3 x 4), k (1 x 1): name one",
    ),
    "write_csv(path) of Polars": (".csv", pl.DataFrame(Y).write_csv, "line 1 holds headings (column_0, column_1, "),
    "write_parquet(path) of Polars": (".parquet", pl.DataFrame(Y).write_parquet, None),
    "write.csv(m, path)": (".csv", R_CSV, f"line 1 holds headings (V1, V2, V3, V4), and {HEADINGS}"),
    "write.table(m, path)": (".txt", R_TABLE, f"line 1 holds headings (V1, V2, V3, V4), and {HEADINGS}"),
    "write.csv(m, path, row.names = FALSE)": (".csv", R_CSV_WITHOUT_ROWS, HEADINGS),
    "write.table(m, path, col.names = FALSE)": (".txt", R_TABLE_WITHOUT_COLUMNS, "is it the name of a row?"),
    "write.table(m, path, col.names = FALSE, quote = FALSE)": (".txt", R_TABLE_WITHOUT_QUOTES, INDEX),
    "write.table(m, path, row.names = FALSE, col.names = FALSE)": (".txt", R_TABLE_BARE, None),
}

A, B = np.random.default_rng(3).standard_normal((2, 6)).round(3)
COLOURS = ["red", "green", "blue", "red", "blue", "blue"]
TABLE = pd.DataFrame({"a": A, "b": B, "colour": COLOURS})
NUMBERS = np.column_stack([A, B, [0, 1, 2, 0, 2, 2]])
NO_HEADING = "column 1 has no heading; if it is an index or names of rows, leave it out"
LINES = [f'{a} {b} "{colour}"' for a, b, colour in zip(A, B, COLOURS, strict=True)]


def r_table(separator, headings, rows, names):
    """A table as R writes it."""
    lines = [f'"{row + 1}" {line}' if names else line for row, line in enumerate(rows)]
    return "\n".join([headings, *lines, ""]).replace(" ", separator)


TABLES = {
    "to_csv(path)": (".csv", TABLE.to_csv, NO_HEADING),
    "to_csv(path, index=False)": (".csv", lambda path: TABLE.to_csv(path, index=False), None),
    "to_csv(path, sep='\\t', index=False)": (".tsv", lambda path: TABLE.to_csv(path, sep="\t", index=False), None),
    "to_csv(path, sep=';', index=False)": (".csv", lambda path: TABLE.to_csv(path, sep=";", index=False), None),
    "to_csv(path.gz, index=False)": (".csv.gz", lambda path: TABLE.to_csv(path, index=False), None),
    "to_csv(path, header=False, index=False)": (
        ".csv",
        lambda path: TABLE.to_csv(path, header=False, index=False),
        "no column 'colour'; there is",
    ),
    "set_index('a').to_csv(path)": (".csv", TABLE.set_index("a").to_csv, None),
    "to_parquet(path)": (".parquet", TABLE.to_parquet, None),
    "to_parquet(path) of some rows": (
        ".parquet",
        TABLE.iloc[[4, 1, 3, 0, 5, 2]].iloc[np.argsort([4, 1, 3, 0, 5, 2])].to_parquet,
        None,
    ),
    "set_index('a').to_parquet(path)": (".parquet", TABLE.set_index("a").to_parquet, "is 'a' a column?"),
    "read_csv(path).to_parquet(path)": (
        ".parquet",
        TABLE.reset_index(names="Unnamed: 0").to_parquet,
        NO_HEADING,
    ),
    "write_csv(path) of Polars": (".csv", pl.DataFrame(TABLE.to_dict("list")).write_csv, None),
    "write_parquet(path) of Polars": (".parquet", pl.DataFrame(TABLE.to_dict("list")).write_parquet, None),
    "write.csv(d, path)": (".csv", r_table(",", '"" "a" "b" "colour"', LINES, True), NO_HEADING),
    "write.csv(d, path, row.names = FALSE)": (".csv", r_table(",", '"a" "b" "colour"', LINES, False), None),
    "write.table(d, path)": (
        ".txt",
        r_table(" ", '"a" "b" "colour"', LINES, True),
        "line 1 has 3 headings, and the row below it 4 fields; is there an index, or names of rows?",
    ),
    "write.table(d, path, row.names = FALSE)": (".txt", r_table(" ", '"a" "b" "colour"', LINES, False), None),
    "savetxt(path, numbers)": (".txt", lambda path: np.savetxt(path, NUMBERS), "and a table has headings"),
    "savetxt(path, numbers, header=…)": (
        ".txt",
        lambda path: np.savetxt(path, NUMBERS, "%g", header="a b colour"),
        None,
    ),
    "savetxt(path, numbers, delimiter=',', header=…)": (
        ".csv",
        lambda path: np.savetxt(path, NUMBERS, "%g", ",", header="a,b,colour"),
        None,
    ),
}


def resolved(folder, ending, writer, point):
    """What is read of what a writer writes, or R's text."""
    path = folder / f"y{ending}"
    if isinstance(writer, str):
        path.write_text(writer)
    else:
        writer(path)
    return inputs.resolve({**point, "path": path.name}, folder)


def refused(folder, ending, writer, point, why):
    with pytest.raises(InputError) as error:
        resolved(folder, ending, writer, point)
    assert f"y{ending}: " in str(error.value)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("ending", "writer", "why"), MATRICES.values(), ids=MATRICES)
def test_a_written_matrix_is_read_whole_or_refused(tmp_path, ending, writer, why):
    if why:
        refused(tmp_path, ending, writer, {"source": "file"}, why)
    else:
        assert_array_equal(resolved(tmp_path, ending, writer, {"source": "file"}).parameters["values"], Y)


@pytest.mark.parametrize(("ending", "writer", "why"), TABLES.values(), ids=TABLES)
def test_a_written_table_is_read_whole_or_refused(tmp_path, ending, writer, why):
    point = {"source": "table", "target": "colour"}
    if why:
        refused(tmp_path, ending, writer, point, why)
        return
    read = resolved(tmp_path, ending, writer, point)
    TABLE.to_csv(tmp_path / "plain.csv", index=False)
    plain = inputs.resolve({**point, "path": "plain.csv"}, tmp_path)
    assert_array_equal(read.parameters["features"], TABLE[["a", "b"]])
    # Classes have another order where they are numbered.
    found, expected = (SOURCES["table"].draw(**one.parameters).values for one in (read, plain))
    np.testing.assert_allclose(np.linalg.svdvals(found), np.linalg.svdvals(expected), rtol=1e-13)
    assert len(read.doubts) == 0
