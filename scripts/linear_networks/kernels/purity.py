"""Whether Python code only computes: it is watched while it runs, and stopped before it does anything else.

A velocity is compiled from one call of it. It must therefore neither keep anything from call to call, such as the
number of its calls, nor ask for what may be another thing next time, such as a random number or the time. Code that
might is stopped before it has, so that what is computed in plain steps instead is not disturbed.
"""

import abc
import dis
import functools
import gc
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from linear_networks.kernels.iterators import Search

# Code that is known: NumPy but for its random numbers, what keeps results, what asks for types, and this.
SYMBOLS, DERIVED = (str(Path(__file__).with_name(name)) for name in ("symbols.py", "derived.py"))
TRUSTED = (
    f"{Path(np.__file__).parent}{os.sep}",
    *(str(module.__file__) for module in (functools, abc)),
    *(__file__, SYMBOLS, DERIVED),
)
RANDOM = f"{Path(np.random.__file__).parent}{os.sep}"
# Calls of compiled functions that code may make. Types, such as zip and range, are called unseen.
ALLOWED = {
    len,
    isinstance,
    issubclass,
    getattr,
    hasattr,
    callable,
    sum,
    min,
    max,
    abs,
    all,
    any,
    sorted,
    functools.reduce,
}
ALLOWED_MODULES = ("math", "_operator", "numpy")
ALLOWED_METHODS: dict[type, frozenset[str]] = {
    np.ndarray: frozenset(
        {"reshape", "transpose", "swapaxes", "astype", "copy", "sum", "mean", "max", "min", "any", "all"}
    ),
    dict: frozenset({"get", "keys", "values", "items"}),
    list: frozenset({"index", "count", "copy"}),
}
# Names by which attributes are set without an instruction of their own.
SETTERS = frozenset({"__setattr__", "__delattr__", "__setitem__", "__dict__"})
# Methods of sources of random numbers, which are called unseen.
DRAWS = frozenset(name for name in (*dir(np.random.Generator), *dir(np.random.RandomState)) if name[0] != "_")
STORES = frozenset({"STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE", "STORE_GLOBAL", "STORE_NAME"})
DELETES = frozenset({"DELETE_ATTR", "DELETE_SUBSCR", "DELETE_GLOBAL", "DELETE_NAME"})


class Impure(BaseException):
    """Code might do more than compute. No `Exception`, so that the code does not catch it."""


class Watch:
    """Context in which code that might do more than compute is stopped by `Impure`.

    Attributes
    ----------
    codes : list
        Code that has run, in its order.
    stopped : bool
        Whether code was stopped, even where it has caught that.

    Parameters
    ----------
    known : tuple of type
        Classes of what the code is given, which keep nothing of it.
    """

    def __init__(self, known: tuple[type, ...]) -> None:
        self.codes: list[CodeType] = []
        self._changing = Search(known)
        self.stopped = False

    def __enter__(self) -> "Watch":
        if sys.getprofile() is not None:
            self.stopped = True
            raise Impure("another profiler watches")
        # What a collection of garbage calls is no part of the code.
        self.collects = gc.isenabled()
        gc.disable()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        if self.collects:
            gc.enable()

    def _see(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        # In most cases it is an operator of a symbol.
        if code.co_filename == SYMBOLS or is_trusted(code.co_filename):
            return
        if event == "call":
            self.codes.append(code)
            if not only_computes(code) or self._changing.finds(frame):
                self._stop(code.co_qualname)
        elif event == "c_call" and not is_allowed(argument):
            self._stop(argument.__qualname__)

    def _stop(self, name: str) -> None:
        self.stopped = True
        raise Impure(name)


@lru_cache(maxsize=4096)
def is_trusted(file: str) -> bool:
    return file.startswith(TRUSTED) and not file.startswith(RANDOM)


@lru_cache(maxsize=4096)
def only_computes(code: CodeType) -> bool:
    """Whether code writes to nothing but what is its own, draws no random numbers and asks for no types."""
    if SETTERS & set(code.co_names):
        return False
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        # A module may hold anything.
        if name == "IMPORT_NAME":
            return False
        # A type is asked for unseen, and tells a symbol from a matrix.
        if name == "LOAD_GLOBAL" and instruction.argval == "type":
            return False
        if name in STORES or name in DELETES:
            return False
        if is_method_call(instruction) and instruction.argval in DRAWS:
            return False
        if name in ("STORE_DEREF", "DELETE_DEREF") and instruction.argval in code.co_freevars:
            return False
        # An operator such as += writes to the array that it is given.
        if name == "BINARY_OP" and instruction.argrepr.endswith("="):
            return False
    return True


def is_method_call(instruction: dis.Instruction) -> bool:
    # Later versions of Python mark the instruction that loads an attribute.
    return instruction.opname == "LOAD_METHOD" or (instruction.opname == "LOAD_ATTR" and "NULL" in instruction.argrepr)


def is_allowed(function: Callable[..., Any]) -> bool:
    owner = getattr(function, "__self__", None)
    if type(owner) in ALLOWED_METHODS:
        return function.__name__ in ALLOWED_METHODS[type(owner)]
    if isinstance(owner, str | tuple):
        return True
    if isinstance(owner, np.ufunc):
        return function.__name__ in ("reduce", "accumulate", "outer")
    module = getattr(function, "__module__", None) or ""
    return function in ALLOWED or (module.startswith(ALLOWED_MODULES) and "random" not in module)
