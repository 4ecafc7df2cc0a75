"""Plain loops, compiled by numba where they first run and kept for other processes.

What numba keeps, it runs as it finds it: a damaged file would give wrong numbers or end the process. Here it is kept
with a digest, of what it was made from too, and made again where that does not match.
"""

import fcntl
import os
import pickle
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

DIGEST = 32
PATIENCE = 120.0  # seconds to wait for another process that compiles


class SealedFile(IndexDataCacheFile):
    """The files of a cache, each after its digest; one that does not match counts as missing."""

    def _load_index(self) -> Any:
        with suppress(OSError):
            return self._load(self._index_path)
        return {}

    def _save_index(self, overloads: Any) -> None:
        self._save(self._index_path, overloads)

    def _load_data(self, name: str) -> Any:
        return self._load(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._save(self._data_path(name), data)

    def _load(self, path: str) -> Any:
        with open(path, "rb") as file:
            digest, content = file.read(DIGEST), file.read()
        if digest != self._digest(path, content):
            raise FileNotFoundError(path)
        return pickle.loads(content)

    def _save(self, path: str, value: Any) -> None:
        content = self._dump(value)
        # Without it, the next process compiles again.
        with suppress(OSError), self._open_for_write(path) as file:
            file.write(self._digest(path, content) + content)

    def _digest(self, path: str, content: bytes) -> bytes:
        made_from = f"{self._version} {self._source_stamp} {os.path.basename(path)}"
        return sha256(made_from.encode() + content).digest()


class SealedCache(FunctionCache):
    """The cache of a compiled function in sealed files."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = SealedFile(self._cache_path, self._impl.filename_base, sources(function))
        self._lock: int | None = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept of a function; of several processes that find nothing, the first compiles it for all."""
        found = super().load_overload(sig, target_context)
        if found is None and self._locked():
            found = super().load_overload(sig, target_context)
            if found is not None:
                self._unlock()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        super().save_overload(sig, data)
        self._unlock()

    def _locked(self) -> bool:
        """Wait while another process compiles the function. A lock ends with the process that has it."""
        until = time.monotonic() + PATIENCE
        with suppress(OSError):
            if self._lock is None:
                self._lock = os.open(f"{self._cache_file._index_path}.lock", os.O_CREAT | os.O_WRONLY)
            while time.monotonic() < until:
                with suppress(BlockingIOError):
                    fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                time.sleep(0.05)
        return False

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sources(function: Callable[..., Any]) -> str:
    """Digest of the modules beside a function, and of this one: those of what it calls are among them."""
    modules = sorted(Path(function.__code__.co_filename).parent.glob("*.py"))
    return sha256(b"\0".join(module.read_bytes() for module in (*modules, Path(__file__)))).hexdigest()


# For functions of numbers and arrays that only compiled ones call. Sums may be taken in another order, as the vectors
# of a processor do.
part = numba.njit(fastmath={"reassoc", "contract"}, error_model="numpy")
# For those whose operations are to be done as they are written, as others under- or overflow.
ordered = numba.njit(error_model="numpy")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers and arrays, compiled and kept with the parts that it calls, which stand beside it."""
    return kept(part(function))


def kept(dispatcher: Any) -> Callable[..., Any]:
    """A compiled function that is kept with the parts that it calls, which stand beside it."""
    # Where no folder can be written to, every process compiles.
    with suppress(RuntimeError):
        dispatcher._cache = SealedCache(dispatcher.py_func)
    return dispatcher
