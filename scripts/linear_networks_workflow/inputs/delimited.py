"""Files of text, one line a row, whose separator is found in their first line."""

import codecs
import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from linear_networks.components import Refused
from linear_networks_workflow.errors import short

GZIP = b"\x1f\x8b"  # with which such a file begins

# By the pattern that pandas splits lines at, the first that is found.
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", r"\s+": "blanks"}


@dataclass(frozen=True)
class Text:
    """A file of text in cells.

    Attributes
    ----------
    content : bytes
    begin, end : int
        Where the first line stands that is not blank.
    below : bool
        Whether the rows begin below it, or with it.
    options : dict
        Of pandas.
    """

    content: bytes
    begin: int
    end: int
    below: bool
    options: dict[str, Any]

    @cached_property
    def line(self) -> int:
        """Number of the first line in the file, from 1 on."""
        return self.content.count(b"\n", 0, self.begin) + 1

    @cached_property
    def separator(self) -> str:
        """What separates the cells of the first line; empty where it has one only."""
        bare = re.sub(r'"[^"]*"?', "x", self.content[self.begin : self.end].decode().strip())
        return next((separator for separator in SEPARATORS if re.search(separator, bare)), "")

    @property
    def layout(self) -> str:
        """What separates the columns, for messages."""
        return f" (columns are separated by {SEPARATORS.get(self.separator, 'nothing')})"

    @cached_property
    def first(self) -> list[str]:
        """Cells of the first line."""
        cells = self._cells(self.begin, self.end, dtype=str)
        return [cell.strip() for cell in cells.iloc[0]]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """What is to be read: numbers where a column holds nothing else, text elsewhere."""
        return self._cells(self.end if self.below else self.begin, len(self.content))

    def _cells(self, begin: int, end: int, **options: Any) -> pd.DataFrame:
        options |= {"header": None, "skipinitialspace": True, "na_filter": False, "low_memory": False}
        options |= {"sep": self.separator or ",", **self.options}
        try:
            return pd.read_csv(BytesIO(self.content[begin:end]), **options)
        except EmptyDataError:
            raise Refused("path", f"holds no rows{self.layout}") from None
        except (ParserError, ValueError) as error:
            counts = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
            if counts is None:
                raise Refused("path", f"{short(error)}; is a quote not closed?{self.layout}") from None
            expected, place, seen = map(int, counts.groups())
            line = self.content.count(b"\n", 0, begin) + place
            message = f"line {line} has {seen} fields, those before it have {expected}; every row needs as many"
            raise Refused("path", message + self.layout) from None


def is_number(cell: str) -> bool:
    """Whether a cell is meant as a number, though it have a decimal comma."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def matrix(path: Path) -> Text:
    """All but comments, which `#` begins; quotes belong to the cells, so that those are no numbers."""
    text = re.sub(rb"[ \t]*#[^\r\n]*", b"", _read(path))
    begin, end = _first_line(text, quotes=False)
    return Text(text, begin, end, False, {"quoting": csv.QUOTE_NONE})


def table(path: Path) -> Text:
    """The lines below the first, which holds the headings; NumPy writes them as a comment."""
    text = re.sub(rb"\A[ \t]*#[ \t]*", b"", _read(path))
    begin, end = _first_line(text)
    return Text(text, begin, end, True, {})


def _read(path: Path) -> bytes:
    """The bytes of a file of text in UTF-8, without a byte order mark."""
    try:
        text = path.read_bytes()
        # Files lose or gain an ending on their way.
        if text.startswith(GZIP):
            text = gzip.decompress(text)
        text = text.removeprefix(codecs.BOM_UTF8)
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Refused("path", f"line {line} is no text in UTF-8; save the file in this encoding") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Refused("path", f"cannot be read ({short(error)}); is it whole, and of the format of its name?") from None
    if text.startswith(b"%%MatrixMarket"):
        raise Refused("path", "is in the Matrix Market format, which is not read; write numpy.savetxt(path, matrix)")
    # Excel's name of the separator, which is found without it; the line stays.
    text = re.sub(rb"\Asep=[^\r\n]", b"", text)
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise Refused("path", f"line {line} holds bytes that are no text; is it of the format of its name?")
    return text


def _first_line(text: bytes, quotes: bool = True) -> tuple[int, int]:
    """Where the first line begins and ends that is not blank; lines may break in quotes."""
    end = 0
    while end < len(text):
        begin, end = end, _line_end(text, end)
        still_open = quotes and text.count(b'"', begin, end) % 2
        while still_open and end < len(text):
            start, end = end, _line_end(text, end)
            still_open ^= text.count(b'"', start, end) % 2
        if text[begin:end].strip():
            return begin, end
    raise Refused("path", "holds no rows")


def _line_end(text: bytes, begin: int) -> int:
    found = re.compile(rb"\r\n|\n|\r").search(text, begin)
    return found.end() if found else len(text)
