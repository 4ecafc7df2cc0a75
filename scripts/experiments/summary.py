"""What a workflow run did, read from the benchmarks that its jobs left beside their logs."""

import csv
import time
from pathlib import Path


def summarize(since: float, logs: Path = Path("logs")) -> str:
    """One line: how many jobs ended after a time (seconds since the epoch), how long they took, and the longest."""
    finished = [path for path in logs.rglob("*.tsv") if path.stat().st_mtime >= since]
    if not finished:
        return "no result was written"
    seconds = {path: _seconds(path) for path in finished}
    longest = max(seconds, key=lambda path: seconds[path])
    name = " ".join(longest.relative_to(logs).with_suffix("").parts)
    return (
        f"{len(finished)} jobs took {sum(seconds.values()):.0f} s of computing in {time.time() - since:.0f} s; "
        f"the longest, {name}, {seconds[longest]:.0f} s"
    )


def _seconds(path: Path) -> float:
    with path.open(newline="") as file:
        return float(next(csv.DictReader(file, delimiter="\t"))["s"])
