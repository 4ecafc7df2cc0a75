"""How much memory jobs need, and how many runs fit into what a job has been given."""

from collections.abc import Collection

# MiB of a process that has loaded its libraries and compiled its kernels, with room to work.
PROCESS = 450

# MB of a process that aggregates rows of an experiment and reads some at a time, however many there are: for a figure,
# and for a table of rates, which takes no library that draws.
AGGREGATING, TABULATING = 650, 500

# Runs are computed together in blocks, each a row group of the files: more of them at once would not be faster.
MOST_RUNS_PER_BLOCK = 1024


def observed(rows: int, columns: int, samples: int, record: Collection[str], with_trajectories: bool) -> int:
    """Numbers that are observed of a run at so many times, for its row alone or for its trajectory too."""
    if not with_trajectories:
        return samples * 2
    recorded = ("product" in record) * rows * columns + ("kernel" in record) * (rows**2 + columns**2)
    return samples * (16 + min(rows, columns) + recorded)


def mib_per_run(rows: int, columns: int, width: int, numbers: int, examples: int, stages: int) -> float:
    """MiB that a run takes of a block.

    Parameters
    ----------
    rows, columns, width : int
        m, n, and the columns of the factors that are computed with.
    numbers : int
        That are `observed` of it.
    examples : int
        Samples of a teacher.
    stages : int
        States that the solver holds of a run at a time.
    """
    state = (rows + columns) * width * stages
    inputs = examples * (2 * rows + 6 * columns)
    return 8.0 * (3 * numbers + state + inputs) / 2**20


def drawing(rows: int, columns: int, width: int) -> float:
    """MiB that a start takes while it is drawn, at its full width."""
    return 8.0 * 4 * (rows + columns) * width / 2**20


def runs_per_block(granted: float, per_run: float) -> int:
    """How many runs a job computes together that may use so many MiB, each taking so many."""
    return int(min(max(1.0, (granted - PROCESS) / per_run), MOST_RUNS_PER_BLOCK))
