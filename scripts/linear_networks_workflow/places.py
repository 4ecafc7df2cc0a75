"""The places of results: whether they can be written, and what lies there that is not of the config."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from linear_networks_workflow import grid, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.dataset.replacing import ENDING, is_abandoned
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import drawing, planning

# Folders of results beside those of the dataset, and the endings of their files.
FOR_PEOPLE = {"summaries": (".csv", ".md", ".tex", ".html"), "figures": (".svg", ".pdf", ".png", ".rst")}
ENDINGS = {".parquet", *(ending for endings in FOR_PEOPLE.values() for ending in endings)}

ELSEWHERE = "move it, or run with --directory ELSEWHERE"


def files(config: Mapping[str, Any]) -> list[str]:
    """Every file that a config makes in the folders of its results."""
    names = {"summaries": [Path(file).stem for file in grid.files(config, "tables")], "figures": config["figures"]}
    return grid.dataset_files(config) + [
        f"results/{folder}/{name}{ending}"
        for folder, endings in FOR_PEOPLE.items()
        for name in names[folder]
        for ending in endings
    ]


def check(paths: Iterable[Path]) -> None:
    """Check that files can be written, whose folders need not exist yet.

    Raises
    ------
    InputError
        If a folder stands where a file belongs, or anything else where a folder does, or a folder cannot be written.
    """
    paths = set(paths)
    for folder in sorted({path.parent for path in paths}):
        there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
        if not there.is_dir():
            what = f"a link to {there.readlink()}, which is not there" if there.is_symlink() else "a file"
            raise InputError(f"{there}: is {what}, where a folder belongs; {ELSEWHERE}")
        if not os.access(there, os.W_OK | os.X_OK):
            message = "cannot be written; change its permissions, or run with --directory ELSEWHERE"
            raise InputError(f"{there.absolute()}: {message}")
    for path in sorted(filter(Path.is_dir, paths)):
        raise InputError(f"{path}: is a folder, where a file belongs; {ELSEWHERE}")


class Strangers(NamedTuple):
    """What lies in a folder of results and is not of a config.

    Attributes
    ----------
    unmade : list of Path
        Files of the workflow that the config does not make.
    of_another : list of Path
        Files in places of the config that another config made.
    foreign : list of Path
        Parquet files of someone else, which readers of a folder mix in.
    """

    unmade: list[Path]
    of_another: list[Path]
    foreign: list[Path]


def strangers(config: Mapping[str, Any], results: Path) -> Strangers:
    """What is not of a config; `results` may be in another folder than in the names of its files."""
    made = {str(results.parent / file) for file in files(config)}
    there = [file for file in _in(results) if file.suffix in ENDINGS and not file.name.startswith(".")]
    expected, others = ([file for file in there if (str(file) in made) is own] for own in (True, False))
    written = [file for file in others if _is_written(file, results)]
    foreign = [file for file in others if file.suffix == ".parquet" and file not in written]
    return Strangers(written, list(_of_another(config, expected)), foreign)


def _is_written(file: Path, results: Path) -> bool:
    """Whether the workflow wrote a file in its place, as the file says, or the one that was written with it."""
    folder = file.relative_to(results).parts[0]
    if folder == "figures":
        caption = file.with_suffix(".rst")
        return caption.is_file() and bool(drawing.made_from(caption))
    if folder == "summaries":
        return _is_written(results / "tables" / f"{file.stem}.parquet", results)
    try:
        made_by = json.loads(parquet.metadata(file)["config"])["experiments"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return grid.parts(str(file))[1] in made_by


def _of_another(config: Mapping[str, Any], files: Iterable[Path]) -> Iterator[Path]:
    """Those that say that they were made from other parts of a config: Parquet files, and captions of figures."""
    expected: dict[tuple[str, ...], str] = {}
    for file in files:
        if file.suffix == ".parquet":
            parts = grid.parts(str(file))
            # The files of a chunk are of the same runs.
            key = ("chunk", *parts[1:]) if len(parts) == 4 else parts
            if key not in expected:
                expected[key] = provenance.made_from(config, str(file))
            if seals.made_from(file) != expected[key]:
                yield file
        elif file.suffix == ".rst" and drawing.made_from(file) != planning.made_from(config, file.stem):
            yield file


def notices(found: Strangers, command: str) -> Iterator[str]:
    """A line each about what is not of a config, and the command that removes it."""
    said = {
        "that the config does not make": found.unmade,
        "that another config or release made, and that jobs refuse unless Snakemake makes them again": found.of_another,
    }
    for what, some in said.items():
        if some:
            yield f"{_counted(some)} {what}; to remove what is not of the config: {command}"
    if found.foreign:
        yield f"{_counted(found.foreign)} not of this workflow, which readers of the folder mix in; move it elsewhere"


def _counted(files: list[Path]) -> str:
    match len(files) - 1:
        case 0:
            return f"{files[0]}: a file"
        case 1:
            return f"{files[0]} and another file"
        case others:
            return f"{files[0]} and {others} other files"


def tidy(config: Mapping[str, Any], results: Path) -> Iterator[Path]:
    """Remove what the workflow wrote and is not of a config, what killed jobs have left, and folders that are empty."""
    found = strangers(config, results)
    left = [file for file in _in(results) if file.suffix == ENDING and is_abandoned(file)]
    for file in (*found.unmade, *found.of_another, *left):
        file.unlink()
        yield file
        for folder in file.parents[:2]:
            if not any(folder.iterdir()):
                folder.rmdir()


def _in(results: Path) -> Iterator[Path]:
    for folder in (*grid.STAGES, *FOR_PEOPLE):
        yield from sorted(file for file in (results / folder).rglob("*") if file.is_file())
