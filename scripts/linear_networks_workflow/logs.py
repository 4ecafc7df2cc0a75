"""The log of a job: messages, progress and uncaught exceptions, in the rule's log file."""

import errno
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from linear_networks_workflow.errors import InputError

# No space is left, or none that this user may take.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

BAR = "{desc}: {percentage:3.0f}% in {elapsed}, {remaining} left\n"


DONE = "done in {work:.2f} s, after {start:.2f} s of starting Python"


class Times(NamedTuple):
    """Seconds that a job took to start Python with its libraries, and to work."""

    start: float
    work: float


@contextmanager
def to(path: str) -> Iterator[None]:
    """Log to a file, and from warnings on to the terminal.

    An `InputError`, or what the system refuses, ends the job with a line, any other exception with its traceback in the
    log.
    """
    # All that the process has computed so far is Python's start and the libraries'.
    began, start = time.time(), time.process_time()
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    file = logging.FileHandler(path, mode="w")
    logging.basicConfig(
        level=logging.INFO, handlers=[file, terminal], format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    logging.captureWarnings(True)
    # Where the log cannot be written, what is said on the terminal is all.
    logging.raiseExceptions = False
    try:
        yield
        logging.info(DONE.format(work=time.time() - began, start=start))
    except InputError as error:
        logging.error("%s", error)
        sys.exit(1)
    except OSError as error:
        logging.error("%s", refused(error))
        sys.exit(1)
    except Exception:
        logging.exception("this is a bug of the workflow, not of your input")
        sys.exit(1)
    finally:
        with suppress(OSError):
            file.close()


def refused(error: OSError) -> str:
    """What the system has refused, in one line: a fault of the disk or of permissions is no bug."""
    where, what = f"{error.filename}: " if error.filename else "", error.strerror or " ".join(str(error).split())
    if error.errno in FULL:
        return f"{where}the disk is full ({what}); make room, and the same command goes on where this one stopped"
    return f"{where}the system refuses to read or write ({what}); see to the disk and its permissions"


@contextmanager
def progress(label: str) -> Iterator[Callable[[float], None]]:
    """Function of the fraction done, from 0 to 1, that keeps a progress bar in the log."""
    file = next(handler for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler))
    with tqdm(total=100, desc=label, file=file.stream, mininterval=5.0, ascii=True, ncols=80, bar_format=BAR) as bar:
        yield lambda fraction: bar.update(100.0 * fraction - bar.n) and None


def part(progress: Callable[[float], None], begin: float, end: float) -> Callable[[float], None]:
    """Function of the fraction done of what takes the whole from one fraction to another."""
    return lambda fraction: progress(begin + fraction * (end - begin))


def times(path: Path) -> Times | None:
    """What a finished job says in its log of the time that it took; None where it did not finish."""
    pattern = re.escape(DONE.format(work=0, start=0)).replace(re.escape("0.00"), r"([\d.]+)")
    found = re.search(pattern, path.read_text())
    return Times(work=float(found[1]), start=float(found[2])) if found else None
