"""Reading the matrices and tables of users: what is read, and what is refused in one line."""

import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
from conftest import examples, small_config
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

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


def matrix(path, **keys):
    """Y of a file, as a job reads it."""
    return inputs.resolve({"source": "file", "path": path.name, **keys}, path.parent).parameters["values"]


def table(path, target="y", **keys):
    return inputs.resolve({"source": "table", "path": path.name, "target": target, **keys}, path.parent)


def refusal(read, *arguments, **keys):
    """The one line by which a file is refused."""
    with pytest.raises(InputError) as refused:
        read(*arguments, **keys)
    line = str(refused.value)
    assert "\n" not in line
    assert len(line) < 400
    return line


def written(path, text):
    path.write_text(text)
    return path


ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".npy", ".npz", ".mat", ".parquet")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_matrix_is_read_back_from_every_format_to_the_last_bit(tmp_path, ending):
    write(tmp_path / f"y{ending}", MATRIX)
    assert_array_equal(matrix(tmp_path / f"y{ending}"), MATRIX)
    (tmp_path / f"y{ending}").rename(tmp_path / f"y{ending.upper()}")
    assert_array_equal(matrix(tmp_path / f"y{ending.upper()}"), MATRIX)


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
        ("1,2\n3,inf\n", "row 2, column 2: inf is not a finite number"),
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
        ("0,3.0,0.2\n1,0.1,2.0\n2,0.0,0.4\n", "column 1 is 0, 1, 2, as an index or names of rows are"),
        ("0,3\n1,2\n", "column 1 is 0, 1, as an index"),
        ("1 3.0 0.2\n2 0.1 2.0\n", "column 1 is 1, 2, as an index"),
        ("0,3.5\n", "column 1 is 0, as an index"),
    ],
)
def test_rows_and_columns_that_a_writer_added_are_refused(tmp_path, text, message):
    assert message in refusal(matrix, written(tmp_path / "y.csv", text))


@pytest.mark.parametrize("text", ["0.0,1.0\n1.0,0.0", "1,2\n2,1", "1,0.5", "0\n1\n2", "0,2\n1,3\n1,4", "1\n0.5\n"])
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


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2, 2)), np.ones((2, 2), dtype=complex), np.array([["a"]])])
def test_an_array_that_is_no_real_matrix_is_refused(tmp_path, array):
    np.save(tmp_path / "y.npy", array)
    assert "two axes of real numbers" in refusal(matrix, tmp_path / "y.npy")


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
@examples(200)
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


# 30 samples, of which no column can be told from another but by its numbers.
A, B = np.random.default_rng(6).standard_normal((2, 30)).round(3)
COLOURS = ["red", "green", "blue"] * 10
PLAIN = pd.DataFrame({"a": A, "b": B, "colour": COLOURS})


def spectrum(path, target, **keys):
    """Singular values of the Y of a table."""
    return np.linalg.svdvals(SOURCES["table"].draw(**table(path, target, **keys).parameters).values)


def test_classes_and_values_are_told_apart_by_the_type_or_by_the_key(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.5, 1.5, 2.5], "label": [7, 3, 7]})
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    assert_array_equal(table(path, "label").parameters["features"], frame[["x", "y"]])
    assert_array_equal(table(path, "label").parameters["targets"], [[0, 1], [1, 0], [0, 1]])
    assert "2 classes of 'label': 3, 7" in table(path, "label").note
    assert_array_equal(table(path, "label", target_kind="real").parameters["targets"], frame[["label"]])
    assert_array_equal(table(path, "y").parameters["targets"], frame[["y"]])
    assert_array_equal(table(path, "y", target_kind="classes").parameters["targets"], np.eye(3))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"x": [1.0], "z": [2.0]}, "matrix.target: t.csv: no column 'y'; there is x, z"),
        ({"x": ["red"], "y": [2.0]}, "matrix.path: t.csv: row 1, column 'x': 'red' is not a finite number"),
        ({"x": [1.0, None], "y": [2.0, 1.0]}, "row 2, column 'x': no value"),
        ({"x": [1.0, 2.0], "y": ["a", None]}, "column 'y', row 2: no value"),
        ({"x": [1.0, 2.0], "y": ["a", "NA"]}, "column 'y', row 2: no value"),
        ({"x": [1.0, 2.0, 0.5], "y": ["3.2", "?", "1.2"]}, "column 'y', row 2: '?' stands among numbers; mend it, or"),
        ({"y": [1.0, 2.0]}, "holds no column beside the target 'y'"),
        ({"x": [1.0, 2.0, 0.5], "y": [2.5, 2.5, 2.5]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [1.0, 2.0, 0.5], "y": [0.3, 0.3, 0.1 + 0.2]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [1.0, 2.0, 0.5], "y": ["a", "a", "a"]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [2.0, 2.0], "y": ["a", "b"]}, "matrix.path: t.csv: no feature varies"),
        ({"x": [1.1, 1.1, 2.1, 2.1], "y": list("abab")}, "matrix.target: t.csv: no feature correlates with the target"),
        ({"x": [1.0, 2.0, 0.5], "y": [1e-70, 2e-70, 3e-70]}, "matrix.target: t.csv: the largest number of Y is"),
        ({f"x{place}": [1.0, 2.0] for place in range(500)}, "x7, … (500 in all)"),
        ({"a\nb" * 50: [1.0, 2.0]}, "there is a\\nba\\nba"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, frame, message):
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    assert message in refusal(table, tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n0,0.1,1.2,0.5\n1,0.9,0.9,1.5\n", "line 1 has 3 headings, and the row below it 4 fields"),
        ("a,b,y\n0.1,0.5\n0.9,1.5\n", "line 1 has 3 headings, and the row below it 2 fields"),
        ("a,b,y\n0.1,1.2,0.5\n0.1,0.9,0.9,1.5\n", "line 3 has 4 fields, those before it have 3"),
        ("a,y,y\n0.1,1.2,0\n0.9,0.9,1\n", "2 columns have the heading 'y'"),
        (",a,y\n0,0.1,0.5\n1,0.9,1.5\n", "column 1 has no heading"),
        ("Unnamed: 0,a,y\n0,0.1,0.5\n1,0.9,1.5\n", "column 1 has no heading"),
        ("a,y,\n0.1,0.5,\n0.9,1.5,\n", "column 3 has no heading"),
        ("0.1,0.5\n0.9,1.5\n", "line 1 holds numbers (0.1, 0.5), and a table has headings"),
        ("a|y\n1|2\n", "no column 'y'; there is a|y (columns are separated by nothing)"),
        ('a,"y\n', "is a quote not closed?"),
        ("a,y\n", "holds no rows"),
    ],
)
def test_headings_that_do_not_fit_are_refused(tmp_path, text, message):
    assert message in refusal(table, written(tmp_path / "t.csv", text))


def test_headings_may_hold_separators_quotes_and_breaks(tmp_path):
    frame = PLAIN.rename(columns={"a": "a; of\nmine", "b": 'b, "so called"'})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert_array_equal(table(tmp_path / "t.csv", "colour").parameters["features"], PLAIN[["a", "b"]])


@pytest.mark.parametrize(
    ("target", "doubt"),
    [
        (1000 + 37 * np.arange(30), "30 different values in 30 samples, and counts as classes, since they are whole"),
        (np.arange(60) % 25, "25 different values in 60 samples, and counts as classes, since they are whole numbers"),
        ([0.0, 1.0] * 15, "2 different values, all whole, and counts as real"),
        ([f"sample {place}" for place in range(30)], "since they are text; write target_kind: classes"),
        ([0, 1] * 15, None),
        (COLOURS, None),
        (A, None),
        ([True, False] * 15, None),
    ],
)
def test_a_doubtful_kind_of_target_is_warned_of_until_the_config_says_it(tmp_path, target, doubt):
    features = np.random.default_rng(7).standard_normal(len(target))
    pd.DataFrame({"x": features, "y": target}).to_csv(tmp_path / "t.csv", index=False)
    block = {"source": "table", "path": "t.csv", "target": "y"}
    found = configuration.prepare(small_config(matrix=block), tmp_path / "config.yaml")
    assert len(found) == (doubt is not None)
    for line in found:
        assert line.startswith("experiments.small.matrix.target_kind: t.csv: 'y' has ")
        assert doubt in line
    assert (
        configuration.prepare(small_config(matrix={**block, "target_kind": "classes"}), tmp_path / "config.yaml") == []
    )


def test_a_feature_that_numbers_the_samples_is_warned_of(tmp_path):
    PLAIN.reset_index(names="id").to_csv(tmp_path / "t.csv", index=False)
    ((key, doubt),) = table(tmp_path / "t.csv", "colour").doubts
    assert key == "path"
    assert "column 'id' numbers the rows from 0 on, and counts as a feature" in doubt


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_target_may_be_named_by_a_number(tmp_path, ending):
    frame = pd.DataFrame(np.column_stack([A, B]))
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / f"t{ending}", "1").parameters["targets"], B[:, None])


def test_the_rank_does_not_depend_on_units(tmp_path):
    PLAIN.to_csv(tmp_path / "t.csv", index=False)
    expected = spectrum(tmp_path / "t.csv", "colour")
    for unit in (1e-300, 1e-21, 1e-9, 1e9, 1e40):
        PLAIN.assign(a=unit * A).to_csv(tmp_path / "t.csv", index=False)
        assert_allclose(spectrum(tmp_path / "t.csv", "colour"), expected, rtol=0, atol=1e-9)


def test_an_index_of_pandas_is_neither_lost_nor_taken_for_a_feature(tmp_path):
    path = tmp_path / "t.parquet"
    PLAIN.set_index("a").to_parquet(path)
    assert "is 'a' a column? pandas wrote it as its index" in refusal(table, path, "colour")
    PLAIN.sample(frac=1.0, random_state=0).to_parquet(path)
    assert table(path, "colour").parameters["features"].shape == (30, 2)
    PLAIN.rename(columns={"b": "Unnamed: 0"}).to_parquet(path)
    assert "column 2 has no heading" in refusal(table, path, "colour")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.date_range("2020", periods=30), "timestamp"),
        (pd.to_timedelta(np.arange(30), unit="h"), "duration"),
        ([[1, 2]] * 30, "list"),
        ([b"a", b"b"] * 15, "binary"),
    ],
)
def test_types_that_are_no_numbers_are_refused(tmp_path, column, kind):
    for name in ("x", "colour"):
        PLAIN.assign(**{name: column}).to_parquet(tmp_path / "t.parquet")
        line = refusal(table, tmp_path / "t.parquet", "colour")
        assert f"column '{name}' holds {kind}" in line


def test_decimals_of_parquet_are_numbers_and_categories_are_classes(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    exact = pa.array(A).cast(pa.decimal128(12, 3))
    pq.write_table(pa.table({"x": pa.array(B), "y": exact}), tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / "t.parquet").parameters["targets"], A[:, None])
    pq.write_table(pa.table({"x": exact, "y": COLOURS}), tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / "t.parquet").parameters["features"], A[:, None])
    PLAIN.astype({"colour": "category"}).to_parquet(tmp_path / "t.parquet")
    assert "3 classes of 'colour': blue, green, red" in table(tmp_path / "t.parquet", "colour").note


def test_missing_values_of_every_type_are_refused(tmp_path):
    for dtype in ("Int64", "Float64", "boolean", "string"):
        column = pd.Series([1, 0, None] * 10, dtype="Int64").astype(dtype)
        for name, message in (("colour", "column 'colour', row 3: no value"), ("a", "row 3, column 'a': no value")):
            PLAIN.assign(**{name: column}).to_parquet(tmp_path / "t.parquet")
            assert message in refusal(table, tmp_path / "t.parquet", "colour")


def test_classes_that_no_memory_holds_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": np.random.default_rng(8).standard_normal(60_000), "y": np.arange(60_000)}).to_parquet(path)
    assert "60000 classes of 60000 samples are more than can be computed with; write target_kind: real" in refusal(
        table, path
    )
    assert table(path, target_kind="real").parameters["targets"].shape == (60_000, 1)


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
