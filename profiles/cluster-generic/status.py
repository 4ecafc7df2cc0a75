#!/usr/bin/env python3
"""Say of a job whether it is `running` (or waits to), ended in `success` or `failed`: status.py NUMBER."""

import re
import shutil
import subprocess
import sys

# A scheduler's question about a job, by the program that asks it, and what the answers hold. An answer that holds
# neither, or none at all, is of a job that waits, runs, or has just ended and is not recorded yet.
SCHEDULERS = {
    "bjobs": (["-noheader", "-o", "stat"], r"^DONE", r"^EXIT"),
    "qacct": (["-j"], r"^exit_status +0 *$", r"^exit_status +[1-9]"),
    "qstat": (["-x", "-f"], r"Exit_status = 0$", r"Exit_status = -?[1-9]|job_state = F"),
    "squeue": (["--noheader", "--states=all", "--format=%T", "--jobs"], r"^COMPLETED", r"^(.*FAIL|CANC|TIMEO|OUT_OF)"),
}


def status(number: str) -> str:
    """Status of a job, from the first scheduler that is installed."""
    program = next(filter(shutil.which, SCHEDULERS), None)
    if program is None:
        sys.exit(f"status.py: none of {', '.join(SCHEDULERS)} is installed here; add your scheduler's command")
    arguments, success, failure = SCHEDULERS[program]
    answer = subprocess.run([program, *arguments, number], capture_output=True, text=True).stdout
    if re.search(success, answer, re.MULTILINE):
        return "success"
    return "failed" if re.search(failure, answer, re.MULTILINE) else "running"


if __name__ == "__main__":
    print(status(sys.argv[1]))
