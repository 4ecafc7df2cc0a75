"""Files that appear whole or not at all."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

ENDING = ".tmp"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Path to write to; on success it takes the place of `path`, which is never seen half-written.

    What jobs that were killed have left of the same file is removed.
    """
    target = Path(path)
    for left in target.parent.glob(f".{escape(target.name)}.*{ENDING}"):
        if is_abandoned(left):
            left.unlink(missing_ok=True)
    # Hidden, and no Parquet by its name: readers of the folder as one dataset skip it. The node is in it, as two may
    # number a process alike.
    temporary = target.with_name(f".{target.name}.{platform.node()}.{os.getpid()}{ENDING}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def is_abandoned(temporary: Path) -> bool:
    """Whether the process that wrote to such a path is no more; of other nodes, nobody here can tell."""
    node, _, process = temporary.name.removesuffix(ENDING).rpartition(".")
    if not node.endswith(f".{platform.node()}") or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
