"""Variables in the files of MATLAB.

SciPy (1.17) looks up codes of types without a check, which ends the process where a damaged file has one that is none.
So it is given the variable alone that is asked for, after a look at its codes; a part that is too long ends there.
"""

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

NUMBERS = {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}

# In version 5 of the format, codes of a variable, and of parts of one of NUMBERS.
VARIABLE, PARTS = 14, {*range(1, 8), 9, 12, 13}
# Bytes of the file's head, of a tag, and of the flags that a variable begins with.
HEAD, TAG, FLAGS = 128, 8, 16


def variables(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    """Name, shape and class of the variables of a file, in its order."""
    import scipy.io

    with path.open("rb") as file:
        return scipy.io.whosmat(file)


def variable(path: Path, place: int) -> Any:
    """A variable of a class of NUMBERS, by its place among those of the file.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    import scipy.io

    name = variables(path)[place][0]
    with path.open("rb") as file:
        is_tagged = scipy.io.matlab.matfile_version(file)[0] == 1
        stream = BytesIO(_alone(path.read_bytes(), place)) if is_tagged else file
        return scipy.io.loadmat(stream, variable_names=[name])[name]


def _alone(content: bytes, place: int) -> bytes:
    """The head of a file and the variable at a place; those that are compressed have a checksum."""
    tag = struct.Struct("<II" if content[HEAD - 2 : HEAD] == b"IM" else ">II")
    end = HEAD
    for _ in range(place + 1):
        begin = end
        code, size = tag.unpack_from(content, begin)
        end = begin + TAG + size
    alone = content[begin:end]
    if code == VARIABLE and not PARTS.issuperset(_codes(alone, tag)):
        raise ValueError("unknown type of data")
    return content[:HEAD] + alone


def _codes(variable: bytes, tag: struct.Struct) -> Iterator[int]:
    """Codes of the parts of a variable."""
    place = TAG + FLAGS
    while place + TAG <= len(variable):
        code, size = tag.unpack_from(variable, place)
        # Up to four bytes are kept in the tag itself, whose upper half then says how many.
        is_short = code > 0xFFFF
        yield code & 0xFFFF if is_short else code
        place += TAG if is_short else TAG + -(-size // TAG) * TAG
