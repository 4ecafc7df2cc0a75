"""Input files with faults, and configs of them."""

import decimal
import io

import numpy as np
import pandas as pd
from conftest import small_config
from fuzzing import FILES, pick


def damaged_file(rng, stem):
    """Write a table or matrix with faults, and return a config of it."""
    source = pick(rng, ("file", "table"))
    text = FILES["matrix.csv" if source == "file" else "table.csv"]
    kinds = (_text, _text, _text, _text, _parquet, _array if source == "file" else _parquet, _bytes)
    suffix, content = pick(rng, kinds)(rng, text)
    path = stem.with_name(stem.name + suffix)
    path.write_bytes(content)
    matrix = {"source": source, "path": path.name} | ({"target": "y"} if source == "table" else {})
    changes = {"matrix": matrix, "dynamics": ["asymmetric"], "time": {"horizon": 0.1, "samples": 3}, "replicates": 1}
    return {**small_config(**changes), "figures": {}}


CELLS = ("", " ", "NA", "nan", "inf", "-inf", "1e400", "1e-400", "1e200", "1e-200", "1,5", "1 000", "0x10", "1e5", "x")
CELLS += ("TRUE", "None", "ü", '"', "'", "2026-01-01", "12:30", "1_000", "9" * 400, "a" * 5000, "0", "3", "\x00", "½")


def _text(rng, text):
    """A file of text, with faults in its cells, lines, separators or encoding."""
    lines = [line.split(",") for line in text.splitlines()]
    for _ in range(rng.integers(1, 3)):
        place = int(rng.integers(len(lines)))
        line = lines[place]
        match rng.integers(9):
            case 0 | 1 | 2 if line:
                line[rng.integers(len(line))] = pick(rng, CELLS)
            case 3 if line:
                del line[rng.integers(len(line))]
            case 4:
                line.append(pick(rng, CELLS))
            case 5:
                lines.insert(place, list(pick(rng, lines)))
            case 6:
                lines.insert(place, [pick(rng, ("", "# made by hand", " ", "0,1,2"))])
            case 7:
                lines = [[str(number), *line] for number, line in enumerate(lines)]
            case 8:
                lines = lines[: place + 1]
    separator, ending = pick(rng, (",", ",", ",", ";", "\t", " ", "|", ", ")), pick(rng, ("\n", "\n", "\r\n", "\r"))
    joined = ending.join(separator.join(line) for line in lines)
    encoding = pick(rng, ("utf-8",) * 8 + ("utf-8-sig", "utf-16", "latin-1"))
    return pick(rng, (".csv",) * 6 + (".txt", ".tsv", ".CSV", "")), joined.encode(encoding, errors="replace")


def _bytes(rng, text):
    """A file of another kind than its name says, or one of which bytes are changed or missing."""
    suffix, content = pick(rng, (_text, _parquet, _array))(rng, text)
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if changed:
            changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    endings = (suffix, suffix, ".csv", ".parquet", ".npy", ".npz", ".mat", ".csv.gz", ".json")
    return pick(rng, endings), bytes(changed[: rng.integers(len(changed) + 1)] if rng.random() < 0.3 else changed)


def _parquet(rng, text):
    """A file of Parquet with columns of every type."""
    frame = pd.read_csv(io.StringIO(text))
    values = rng.normal(size=len(frame))
    columns = (
        values.astype(np.float32),
        values.astype(int),
        values > 0,
        [str(value) for value in values],
        pd.Categorical(["u", "v"] * len(values))[: len(values)],
        pd.date_range("2026-01-01", periods=len(values)),
        pd.to_timedelta(values, unit="s"),
        [[1.0]] * len(values),
        [None] * len(values),
        [b"x"] * len(values),
        [decimal.Decimal("1.5")] * len(values),
        np.where(values > 0, np.nan, values),
        np.full(len(values), 1e200),
        np.full(len(values), 3),
    )
    frame[pick(rng, [*frame.columns, "more"])] = pick(rng, columns)
    if rng.random() < 0.3:
        frame = frame.set_index(pick(rng, list(frame.columns)))
    written = io.BytesIO()
    frame[: rng.integers(len(frame) + 1)].to_parquet(written)
    return ".parquet", written.getvalue()


def _array(rng, text):
    """A file of NumPy with an array of another type or shape."""
    array = rng.normal(size=pick(rng, ((2, 3), (3, 3), (3,), (1, 1), (0, 3), (2, 2, 2), ())))
    kinds = ("f4", "f2", ">f8", "i8", "?", "c16", "O", "S3", "M8[s]", "u1", "f8", "f8")
    array = array.astype(pick(rng, kinds))
    if array.size and array.dtype.kind == "f":
        array.flat[0] = pick(rng, (np.nan, np.inf, 0.0, 6e4, array.flat[0]))
    written = io.BytesIO()
    pick(rng, (np.save, np.save, np.savez))(written, array)
    return pick(rng, (".npy", ".npy", ".npz")), written.getvalue()
