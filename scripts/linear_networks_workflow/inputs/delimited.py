"""Files of text, one line a row, whose separator is found in their first line."""

import codecs
import csv
import gzip
import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from linear_networks.components import Refused
from linear_networks_workflow.errors import short

FORMATS = tuple(ending + packed for packed in ("", ".gz") for ending in (".csv", ".tsv", ".txt"))

# By the pattern that pandas splits lines at, the first that is found.
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", r"\s+": "blanks"}


class Text(NamedTuple):
    """A file of text in cells.

    Attributes
    ----------
    first : list of str
        Cells of the first line.
    line : int
        Its number in the file, from 1 on.
    rows : DataFrame
        What is to be read: numbers where a column holds nothing else, text elsewhere.
    layout : str
        What separates the columns, for messages.
    """

    first: list[str]
    line: int
    rows: pd.DataFrame
    layout: str


def matrix(path: Path) -> Text:
    """All but comments, which `#` begins; quotes belong to the cells, so that those are no numbers."""
    text = re.sub(rb"[ \t]*#[^\r\n]*", b"", _read(path))
    begin, end = _first_line(text, quotes=False)
    return _parsed(text, begin, end, begin, quoting=csv.QUOTE_NONE)


def table(path: Path) -> Text:
    """The lines below the first, which holds the headings."""
    text = _read(path)
    begin, end = _first_line(text)
    return _parsed(text, begin, end, end)


def _read(path: Path) -> bytes:
    """The bytes of a file of text in UTF-8, without a byte order mark."""
    try:
        text = path.read_bytes()
        if path.suffix.lower() == ".gz":
            text = gzip.decompress(text)
        text = text.removeprefix(codecs.BOM_UTF8)
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Refused("path", f"line {line} is no text in UTF-8; save the file in this encoding") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Refused("path", f"cannot be read ({short(error)}); is it whole, and of the format of its name?") from None
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise Refused("path", f"line {line} holds bytes that are no text; is it of the format of its name?")
    return text


def _first_line(text: bytes, quotes: bool = True) -> tuple[int, int]:
    """Where the first line begins and ends that is not blank; lines may break in quotes."""
    end = 0
    while end < len(text):
        begin = end
        end = _line_end(text, begin)
        while quotes and text.count(b'"', begin, end) % 2 and end < len(text):
            end = _line_end(text, end)
        if text[begin:end].strip():
            return begin, end
    raise Refused("path", "holds no rows")


def _line_end(text: bytes, begin: int) -> int:
    found = re.compile(rb"\r\n|\n|\r").search(text, begin)
    return found.end() if found else len(text)


def _parsed(text: bytes, begin: int, end: int, rows: int, **options: Any) -> Text:
    """A file whose first line stands between two places, and whose rows begin at a third."""
    separator = _separator(text[begin:end].decode())
    layout = f" (columns are separated by {SEPARATORS.get(separator, 'nothing')})"
    line = text.count(b"\n", 0, begin) + 1
    options |= {"sep": separator or ","}
    first = _cells(text[begin:end], line, layout, dtype=str, **options).iloc[0]
    offset = text.count(b"\n", 0, rows)
    return Text([cell.strip() for cell in first], line, _cells(text[rows:], offset + 1, layout, **options), layout)


def _separator(line: str) -> str:
    """What separates the cells of a line; empty where it has one only."""
    bare = re.sub(r'"[^"]*"?', "x", line.strip())
    return next((separator for separator in SEPARATORS if re.search(separator, bare)), "")


def _cells(text: bytes, line: int, layout: str, **options: Any) -> pd.DataFrame:
    """Text in cells, the first line of which has a number in the file."""
    options |= {"header": None, "skipinitialspace": True, "na_filter": False, "low_memory": False}
    try:
        return pd.read_csv(BytesIO(text), **options)
    except EmptyDataError:
        raise Refused("path", f"holds no rows{layout}") from None
    except (ParserError, ValueError) as error:
        counts = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if counts is None:
            raise Refused("path", f"{short(error)}; is a quote not closed?{layout}") from None
        expected, place, seen = map(int, counts.groups())
        message = f"line {line + place - 1} has {seen} fields, those before it have {expected}"
        raise Refused("path", f"{message}; every row needs as many{layout}") from None
