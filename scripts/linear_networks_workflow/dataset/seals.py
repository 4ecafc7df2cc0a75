"""The seal of a Parquet file: by it a job knows that what it reads is whole, and is of its own config.

It is two texts in the file's metadata: what the file was made from, see `provenance`, and the SHA-256 of all else.
Checksums of pages, which other readers can check too, are of the numbers, but not of what says how to read them.
"""

import hashlib
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from linear_networks_workflow import provenance
from linear_networks_workflow.errors import InputError

MADE_FROM, CHECKSUM = "made_from", "sha256"
LENGTHS = {MADE_FROM: 16, CHECKSUM: 64}

# The metadata of a file that is still to be sealed.
UNSEALED = {CHECKSUM: "0" * LENGTHS[CHECKSUM]}

# Of the end of a Parquet file: the length of the footer, in which the metadata are, and four letters.
END = 8

# Bytes that are read at a time.
BLOCK = 1 << 20


def seal(path: str | Path) -> None:
    """Put the checksum of a file into it, which has the metadata UNSEALED."""
    with open(path, "r+b") as file:
        place = _place(file, CHECKSUM)
        checksum = _checksum(file, place)
        file.seek(place)
        file.write(checksum.encode())


def check(files: Iterable[str], config: Mapping[str, Any]) -> None:
    """Check the Parquet files among those that a job reads.

    Raises
    ------
    InputError
        If one is damaged, cut short, without a seal or of another config; it names the file and what to do.
    """
    for path in (path for path in files if path.endswith(".parquet")):
        again = f"remove it, and the same command makes it again: rm {shlex.quote(path)}"
        if not is_whole(path):
            raise InputError(f"{path}: is damaged, cut short or of another release, as its checksum shows; {again}")
        if made_from(path) != provenance.made_from(config, path):
            raise InputError(f"{path}: was made by another config; {again}")


def is_whole(path: str | Path) -> bool:
    """Whether a file is as it was sealed."""
    with open(path, "rb") as file:
        try:
            place = _place(file, CHECKSUM)
        except ValueError:
            return False
        checksum = _checksum(file, place)
        file.seek(place)
        return file.read(len(checksum)) == checksum.encode()


def made_from(path: str | Path) -> str | None:
    """What a file was made from; None where it does not say. It is found without reading any more of the metadata."""
    try:
        with open(path, "rb") as file:
            file.seek(_place(file, MADE_FROM))
            return file.read(LENGTHS[MADE_FROM]).decode(errors="replace")
    except (OSError, ValueError):
        return None


def _place(file: IO[bytes], key: str) -> int:
    """Where the text of a key begins in a file.

    Raises
    ------
    ValueError
        If it is not there.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - END, 0))
    footer = int.from_bytes(file.read(END)[:4], "little")
    begin = max(size - END - footer, 0)
    file.seek(begin)
    # As a string follows a string in Thrift's compact protocol.
    mark = b"\x18%c%b\x18%c" % (len(key), key.encode(), LENGTHS[key])
    return begin + file.read().index(mark) + len(mark)


def _checksum(file: IO[bytes], place: int) -> str:
    """SHA-256, in hexadecimal, of all of a file but the checksum at a place."""
    checksum, size = hashlib.sha256(), file.seek(0, os.SEEK_END)
    for first, last in ((0, place), (place + LENGTHS[CHECKSUM], size)):
        file.seek(first)
        for begin in range(first, last, BLOCK):
            checksum.update(file.read(min(BLOCK, last - begin)))
    return checksum.hexdigest()
