"""Checksums of the dataset's files, and checking files against the dataset's card."""

import hashlib
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linear_networks_workflow.errors import InputError


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_card(path: str | Path) -> dict[str, Any]:
    """A Croissant card as JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: {error}; the card is damaged, download it again") from None


def check(path: str | Path, progress: Callable[[float], None] = lambda fraction: None) -> list[str]:
    """Check the files beside a card: all that it lists, no other Parquet file, each with its checksum.

    Returns
    -------
    list of str
        The paths of the files.

    Raises
    ------
    InputError
        Names the first file that is missing, is not listed or differs.
    """
    folder = Path(path).parent
    listed = {
        str(folder / item["contentUrl"]): item["sha256"] for item in read_card(path)["distribution"] if "sha256" in item
    }
    found = {str(file) for file in folder.rglob("*.parquet")}
    for file in sorted(listed.keys() - found):
        raise InputError(f"{file}: is missing; {path} lists it")
    for file in sorted(found - listed.keys()):
        raise InputError(f"{file}: is not listed in {path}, but readers of the folder load it; remove it")
    for place, (file, checksum) in enumerate(sorted(listed.items())):
        if sha256(file) != checksum:
            again = f"download it again, or remove it and give the command that made it: rm {shlex.quote(file)}"
            raise InputError(f"{file}: differs from the file that {path} lists: its checksum is another; {again}")
        progress((place + 1) / len(listed))
    return sorted(listed)
