"""What a workflow run did and what it spent its time on, read from the logs of its jobs."""

import time
from pathlib import Path

from linear_networks_workflow import logs


def summarize(since: float, cores: int, folder: Path = Path("logs")) -> str:
    """How many jobs ended after a time (seconds since the epoch), the longest, and what the time of the cores went to.

    Parameters
    ----------
    since : float
    cores : int
        Cores that jobs ran on.
    folder : Path
        Where the logs are: {rule}/.../{name}.log.
    """
    recent = [path for path in folder.rglob("*.log") if path.stat().st_mtime >= since]
    jobs = {path: times for path in recent if (times := logs.times(path)) is not None}
    if not jobs:
        return "no result was written"
    wall = time.time() - since
    is_figure = {path: path.relative_to(folder).parts[0] == "draw_figure" for path in jobs}
    numerics, figures = (sum(jobs[path].work for path in jobs if is_figure[path] == drawn) for drawn in (False, True))
    start = sum(times.start for times in jobs.values())
    longest = max(jobs, key=lambda path: jobs[path].work)
    name = " ".join(longest.relative_to(folder).with_suffix("").parts)
    return (
        f"{len(jobs)} jobs in {wall:.0f} s on {cores} cores: {numerics:.0f} s of numerics, {figures:.0f} s of figures, "
        f"{start:.0f} s of starting Python, {max(wall * cores - numerics - figures - start, 0.0):.0f} s of Snakemake "
        f"and waiting; {wall * cores / (numerics + figures):.2f} times the first two. "
        f"The longest job, {name}, took {jobs[longest].work:.0f} s"
    )
