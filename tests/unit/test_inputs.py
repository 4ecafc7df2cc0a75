import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from linear_networks_workflow import inputs
from linear_networks_workflow.errors import InputError

MATRIX = np.array([[1.0, -2.5], [3e-7, 4.0], [5.0, 6.0]])


@pytest.mark.parametrize("name", ["y.csv", "y.npy", "y.parquet"])
def test_a_matrix_is_read_back_from_every_format(tmp_path, name):
    path = tmp_path / name
    if name == "y.csv":
        np.savetxt(path, MATRIX, delimiter=",")
    elif name == "y.npy":
        np.save(path, MATRIX)
    else:
        pd.DataFrame(MATRIX, columns=["a", "b"]).to_parquet(path)
    assert_allclose(inputs.read_matrix(path), MATRIX, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,nan\n", "row 2, column 2: 'nan' is not a finite number"),
        ("1,2\n3,inf\n", "row 2, column 2: 'inf' is not a finite number"),
        ("1,2\n3\n", "row 2, column 2: 'nan' is not a finite number; complete"),
        ("1,2\n3,4,5\n", "every row needs the same number of columns"),
        ("a,b\n1,2\n", "row 1, column 1: 'a' is not a finite number"),
        ("", "No columns to parse"),
        ("0,0\n0,0\n", "every entry is 0"),
    ],
)
def test_a_bad_csv_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "y.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refusal:
        inputs.read_matrix(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_pickled_array_is_refused(tmp_path):
    path = tmp_path / "y.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a plain array"):
        inputs.read_matrix(path)


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2, 2)), np.ones((2, 2), dtype=complex)])
def test_an_array_that_is_no_real_matrix_is_refused(tmp_path, array):
    np.save(tmp_path / "y.npy", array)
    with pytest.raises(InputError, match="two axes of real numbers"):
        inputs.read_matrix(tmp_path / "y.npy")


def test_whole_numbers_are_classes_and_decimals_are_values(tmp_path):
    table = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.5, 1.5, 2.5], "label": [7, 3, 7]})
    table.to_csv(tmp_path / "t.csv", index=False)
    features, targets, note = inputs.read_table(tmp_path / "t.csv", "label")
    assert_allclose(features, table[["x", "y"]])
    assert_allclose(targets, [[0, 1], [1, 0], [0, 1]])
    assert "2 classes" in note
    assert_allclose(inputs.read_table(tmp_path / "t.csv", "y")[1], table[["y"]])


@pytest.mark.parametrize(
    ("table", "target", "message"),
    [
        ({"x": [1.0], "y": [2.0]}, "z", "no column 'z' for the target; there is x, y"),
        ({"x": ["red"], "y": [2.0]}, "y", "row 1, column 'x': 'red' is not a finite number"),
        ({"x": [1.0, 2.0], "y": ["a", None]}, "y", "column 'y', row 2: no value"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, table, target, message):
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as refusal:
        inputs.read_table(tmp_path / "t.csv", target)
    assert message in str(refusal.value)
