"""Reading the files of users, mostly of matrices: what is read, and what is refused in one line."""

import gzip
import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse
from conftest import examples, small_config
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from reading import matrix, refusal, table, written

from linear_networks.matrices import SOURCES
from linear_networks_workflow import config as configuration
from linear_networks_workflow import inputs
from linear_networks_workflow.errors import InputError

MATRIX = np.array([[1.0, -2.5], [3e-7, 4.0], [1 / 3, 6.0]])


def write(path, array):
    """Write a matrix in the format of a file's name."""
    ending = "".join(path.suffixes)
    if ending == ".parquet":
        pd.DataFrame(array, columns=[f"c{place}" for place in range(array.shape[1])]).to_parquet(path)
    elif ending == ".npy":
        np.save(path, array)
    elif ending == ".npz":
        np.savez(path, array)
    elif ending == ".mat":
        scipy.io.savemat(path, {"Y": array})
    else:
        np.savetxt(path, array, delimiter={".csv": ",", ".tsv": "\t", ".txt": " "}[path.suffixes[0]])


ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".npy", ".npz", ".mat", ".parquet")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_matrix_is_read_back_from_every_format_to_the_last_bit(tmp_path, ending):
    write(tmp_path / f"y{ending}", MATRIX)
    assert_array_equal(matrix(tmp_path / f"y{ending}"), MATRIX)
    (tmp_path / f"y{ending}").rename(tmp_path / f"y{ending.upper()}")
    assert_array_equal(matrix(tmp_path / f"y{ending.upper()}"), MATRIX)


@pytest.mark.parametrize(("packed", "ending"), [(True, ".csv"), (False, ".csv.gz")])
def test_text_that_has_gained_or_lost_its_ending_is_read(tmp_path, packed, ending):
    (tmp_path / "y").write_bytes(gzip.compress(b"1,2\n3,4\n") if packed else b"1,2\n3,4\n")
    (tmp_path / "y").rename(tmp_path / f"y{ending}")
    assert_array_equal(matrix(tmp_path / f"y{ending}"), [[1, 2], [3, 4]])


def test_the_formats_that_are_read_are_those_that_messages_and_pages_name(tmp_path):
    assert set(ENDINGS) == set(inputs.READERS["matrix"].formats)
    written(tmp_path / "y.xlsx", "1")
    config = small_config(matrix={"source": "file", "path": "y.xlsx"})
    line = refusal(configuration.prepare, config, tmp_path / "config.yaml")
    for ending in ENDINGS:
        assert ending in line
        assert all(part in SOURCES["file"].__doc__ for part in ending.replace(".gz", " .gz").split())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2.5\n3,4\n", "commas"),
        (" 1, 2.5\r\n 3,   4\r\n", "commas"),
        ("1;2.5\n3;4\n", "semicolons"),
        ("1\t2.5\n3\t4\n", "tabs"),
        ("# of my model\n\n  1  2.5\n # and\n3.0 4.0  # here\n", "blanks"),
        ("\ufeff1 2.5\n3 4", "blanks"),
        ("sep=;\r\n1;2.5\r\n3;4\r\n", "semicolons"),
    ],
)
def test_what_separates_columns_is_found_and_named(tmp_path, text, found):
    path = written(tmp_path / "y.csv", text)
    assert_array_equal(matrix(path), [[1, 2.5], [3, 4]])
    point = {"source": "file", "path": "y.csv"}
    assert inputs.resolve(point, tmp_path).note == f"y.csv: matrix of 2 x 2 numbers (columns are separated by {found})"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,nan\n", "row 2, column 2: 'nan' is not a finite number; complete or remove it"),
        ("1,4\n3,inf\n", "row 2, column 2: inf is not a finite number"),
        ("1,2\n3\n", "row 2, column 2: no value"),
        ("1,2\n\n3,4,5\n", "line 3 has 3 fields, those before it have 2"),
        ("a,b\n1,2\n", "line 1 holds headings (a, b), and a matrix has none"),
        ("# of a model\n\na b\n1 2\n", "line 3 holds headings (a, b), and a matrix has none"),
        ("1|2\n3|4\n", "separated by nothing"),
        ("1.0,2.0\n3.0,abc\n", "row 2, column 2: 'abc' is not a finite number"),
        ("1.0,2.0\n3.0," + "abc" * 1000, "'abcabc"),
        (
            "3,0;0,2\n0,1;2,0\n",
            "'3,0' is not a finite number; write decimals with a point (columns are separated by semic",
        ),
        ("3,0 0,2\n0,1 2,0\n", "'0 0' is not a finite number; complete or remove it (columns are separated by commas)"),
        ('"1",2.5\n"2",3.5\n', "row 1, column 1: '\"1\"' is not a finite number; is it the name of a row?"),
        ("1+2j,1\n1,1\n", "'1+2j' is not a finite number"),
        ("1e60,2\n3,4\n", "row 1, column 1: 1e+60 is past 1e+50"),
        ("1e-60,2e-60\n", "the largest number of Y is 2.0e-60, outside of 1e-50 to 1e+50"),
        ("", "holds no rows"),
        ("\n# nothing\n", "holds no rows"),
        ("0,0\n0,0\n", "every entry is 0"),
        ("1,\0\n", "line 1 holds bytes that are no text"),
        ("sep=,\n1,2\n\n3,x\n", "row 2, column 2: 'x' is not a finite number"),
        ("1.5D+00,2\n", "'1.5D+00' is not a finite number; write exponents with an e"),
        ("%%MatrixMarket matrix array real general\n1 1\n1.0\n", "in the Matrix Market format"),
    ],
)
def test_a_bad_text_is_refused_with_its_place(tmp_path, text, message):
    line = refusal(matrix, written(tmp_path / "y.csv", text))
    assert line.startswith("matrix.path: y.csv: ")
    assert message in line


def test_text_of_another_encoding_is_refused_with_its_line(tmp_path):
    (tmp_path / "t.csv").write_bytes("x,y\n1,a\n2,é\n".encode("latin-1"))
    assert "t.csv: line 3 is no text in UTF-8" in refusal(table, tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1,2,3\n3.0,0.2,0.0,0.1\n", "line 1 is 0, 1, 2, …, as headings are"),
        ("0,1\n3,2\n4,4\n", "line 1 is 0, 1, as headings are"),
        ("0\n3.5\n", "line 1 is 0, as headings are"),
        ("1,2,3,4\n3.0,0.2,0.0,0.1\n", "line 1 is 1, 2, 3, …, as headings are"),
        (",1,2\n1,3.0,0.2\n2,0.1,2.0\n", "line 1 is 1, 2, as headings are"),
        ("0,3.0,0.2\n1,0.1,2.0\n2,0.0,0.4\n", "column 1 is 0, 1, 2, as an index or names of rows are"),
        ("0,3\n1,2\n", "column 1 is 0, 1, as an index"),
        ("1 3.0 0.2\n2 0.1 2.0\n", "column 1 is 1, 2, as an index"),
        ("0,3.5\n", "column 1 is 0, as an index"),
    ],
)
def test_rows_and_columns_that_a_writer_added_are_refused(tmp_path, text, message):
    assert message in refusal(matrix, written(tmp_path / "y.csv", text))


@pytest.mark.parametrize(
    "text",
    ["0.0,1.0\n1.0,0.0", "1,2\n2,1", "1,0.5", "0\n1\n2", "0,2\n1,3\n1,4", "1\n0.5\n", "1,2\n3,4", "1.0,2\n0.5,3"],
)
def test_matrices_that_begin_with_small_numbers_are_read(tmp_path, text):
    lines = [line.split(",") for line in text.split()]
    assert_array_equal(matrix(written(tmp_path / "y.csv", text)), np.array(lines, dtype=float))


def test_counting_in_a_binary_file_is_of_the_user(tmp_path):
    counting = np.arange(4.0).reshape(2, 2)
    np.save(tmp_path / "y.npy", counting)
    assert_array_equal(matrix(tmp_path / "y.npy"), counting)


@pytest.mark.parametrize("ending", [".npz", ".mat"])
def test_of_several_arrays_one_is_named_by_its_key(tmp_path, ending):
    path = tmp_path / f"y{ending}"
    arrays = {"A": np.eye(2), "B": MATRIX}
    if ending == ".npz":
        np.savez(path, **arrays)
    else:
        scipy.io.savemat(path, arrays)
    assert_array_equal(matrix(path, key="B"), MATRIX)
    assert "matrix.key: y" + ending + ": missing; the file holds A" in refusal(matrix, path)
    assert "no array 'C'; the file holds A" in refusal(matrix, path, key="C")
    assert refusal(matrix, written(tmp_path / "y.csv", "1,2"), key="A").startswith(
        "matrix.key: y.csv: only .npz and .mat"
    )


def test_one_variable_of_matlab_is_read_beside_what_has_no_numbers(tmp_path):
    path = tmp_path / "y.mat"
    scipy.io.savemat(path, {"name": "text", "Y": MATRIX, "parts": {"a": 1}, "cell": np.array([1, "a"], dtype=object)})
    assert_array_equal(matrix(path, key="Y"), MATRIX)
    for key, kind in (("parts", "struct"), ("name", "char"), ("cell", "cell")):
        assert f"'{key}' is {kind}; a matrix is full and of real numbers" in refusal(matrix, path, key=key)


def test_formats_of_matlab_that_are_not_read_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "y.mat", {"Y": scipy.sparse.csc_array(MATRIX)})
    assert "'Y' is sparse; a matrix is full" in refusal(matrix, tmp_path / "y.mat")
    # The head of a file of version 7.3, which is HDF5.
    (tmp_path / "new.mat").write_bytes(
        b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H2s", 0x200, b"IM") + bytes(512)
    )
    assert "Save it with MATLAB's save -v7" in refusal(matrix, tmp_path / "new.mat")


def test_a_code_of_matlab_that_is_none_is_refused(tmp_path):
    path = tmp_path / "y.mat"
    scipy.io.savemat(path, {"Y": MATRIX})
    content = bytearray(path.read_bytes())
    place = content.index(MATRIX.tobytes("F")) - 8
    assert content[place] == 9  # that of numbers of 64 bits
    for code in (0, 8, 15, 255):
        content[place] = code
        path.write_bytes(content)
        assert "cannot be read" in refusal(matrix, path)


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2, 2)), np.ones((2, 2), dtype=complex), np.array([["a"]])])
def test_an_array_that_is_no_real_matrix_is_refused(tmp_path, array):
    np.save(tmp_path / "y.npy", array)
    assert "two axes of real numbers" in refusal(matrix, tmp_path / "y.npy")


def test_a_sparse_matrix_is_refused_by_what_to_write(tmp_path):
    scipy.sparse.save_npz(tmp_path / "y.npz", scipy.sparse.eye_array(3).tocsr())
    assert "numpy.savez(path, matrix.toarray())" in refusal(matrix, tmp_path / "y.npz")


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("sprung"),))


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_nothing_in_a_file_is_run(tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    trapped = np.array([[Trap()]], dtype=object)
    (np.save if ending == ".npy" else np.savez)(tmp_path / f"y{ending}", trapped, allow_pickle=True)
    assert "cannot be read" in refusal(matrix, tmp_path / f"y{ending}")
    (tmp_path / f"y{ending}").write_bytes(pickle.dumps(Trap()))
    assert "cannot be read" in refusal(matrix, tmp_path / f"y{ending}")
    assert not Path("sprung").exists()


def test_names_of_folders_are_no_columns(tmp_path):
    (tmp_path / "seed=1").mkdir()
    pd.DataFrame(MATRIX, columns=["a", "b"]).to_parquet(tmp_path / "seed=1" / "y.parquet")
    assert_array_equal(matrix(tmp_path / "seed=1" / "y.parquet"), MATRIX)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file of every format, as bytes."""
    folder = tmp_path_factory.mktemp("whole")
    for ending in ENDINGS:
        write(folder / f"y{ending}", MATRIX)
    return {ending: (folder / f"y{ending}").read_bytes() for ending in ENDINGS}


@pytest.mark.parametrize("ending", ENDINGS)
def test_half_a_file_is_never_read(tmp_path, whole, ending):
    content = whole[ending]
    (tmp_path / f"y{ending}").write_bytes(content[: len(content) // 2])
    assert refusal(matrix, tmp_path / f"y{ending}").startswith(f"matrix.path: y{ending}: ")


@pytest.mark.filterwarnings("ignore")
@examples(100)
@given(st.sampled_from(ENDINGS), st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, whole, ending, data):
    content = bytearray(whole[ending])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["set", "cut", "drop", "insert"])):
            case "set":
                content[place] = data.draw(st.integers(0, 255))
            case "cut":
                del content[place + 1 :]
            case "drop":
                del content[place]
            case "insert":
                content[place:place] = data.draw(st.binary(min_size=1, max_size=4))
        content = content or bytearray(b"\n")
    path = tmp_path_factory.getbasetemp() / f"damaged{ending}"
    path.write_bytes(bytes(content))
    text = ending.startswith((".csv", ".tsv", ".txt"))
    for read in (matrix, table) if text or ending == ".parquet" else (matrix,):
        with suppress(InputError):
            read(path)


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    point = {"source": "file", "path": "y.csv"}
    for text, shape in (("1,2\n", (1, 2)), ("1,2\n3,4\n", (2, 2))):
        written(tmp_path / "y.csv", text)
        assert inputs.shape(point, tmp_path) == shape


def test_a_file_is_refused_at_planning_by_its_path_in_the_config(tmp_path):
    (tmp_path / "data").mkdir()
    written(tmp_path / "data" / "y.csv", "1.0,2.0\n3.0,abc\n")
    config = small_config(matrix={"source": "file", "path": "data/y.csv"})
    with pytest.raises(configuration.ConfigError) as refused:
        configuration.prepare(config, tmp_path / "config.yaml")
    where, _, message = str(refused.value).partition(": row 2, ")
    assert where == "experiments.small.matrix.path: data/y.csv"
    expected = "column 2: 'abc' is not a finite number; complete or remove it (columns are separated by commas)"
    assert message == expected


def test_a_file_that_an_older_one_took_the_place_of_has_other_contents(tmp_path):
    experiment = {"matrix": {"source": "file", "path": "y.csv", "key": None}}
    file = tmp_path / "y.csv"
    file.write_text("3,0.2\n0.1,2\n")
    before = inputs.contents(experiment, tmp_path)
    file.write_text("1,0.2\n0.1,2\n")
    os.utime(file, (0, 0))
    assert inputs.contents(experiment, tmp_path) != before
    assert inputs.contents({"matrix": {"source": "gaussian", "rows": 2, "columns": 2}}, tmp_path) == []
