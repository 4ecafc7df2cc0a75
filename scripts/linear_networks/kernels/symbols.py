"""Symbols in place of matrices, which know the operators of a velocity only.

These are `@`, `.mT`, `+`, `-`, and `*` and `/` by numbers, or by one number a run. Whatever else is done with a symbol
might depend on the values of a matrix, and is refused.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, int]

NUMBERS = (float, int, np.floating, np.integer)


class Untraceable(BaseException):
    """A symbol was asked for more than it knows. No `Exception`, so that a velocity does not catch it."""


class Trace:
    """What the symbols of one call of a velocity share."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.constants: list[Array] = []
        self.seen: dict[int, tuple[Any, int]] = {}
        self.refused = False

    def constant(self, value: Any) -> int:
        """Number of a constant. The same array is the same constant."""
        if id(value) in self.seen:
            return self.seen[id(value)][1]
        if type(value) is not np.ndarray and not isinstance(value, NUMBERS):
            self.refuse(type(value).__name__)
        array = np.asarray(value)
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            self.refuse(f"an array of {array.dtype}")
        if array.ndim > 3 or (array.ndim == 3 and array.shape[0] not in (1, self.runs)):
            self.refuse(f"an array of shape {array.shape}")
        self.constants.append(array.astype(np.float64, copy=False).reshape((1,) * (3 - array.ndim) + array.shape))
        # It is kept: another value might take its identity.
        self.seen[id(value)] = value, len(self.constants) - 1
        return len(self.constants) - 1

    def summand(self, value: Any, rows: int, columns: int) -> "Symbol":
        """Symbol of a constant that is added to a matrix of this shape."""
        number = self.constant(value)
        shape = self.constants[number].shape
        if shape[1] not in (1, rows) or shape[2] not in (1, columns):
            self.refuse("a sum of unequal shapes")
        return Symbol(self, rows, columns, "constant", number)

    def factor(self, value: Any) -> "Symbol":
        """Symbol of a constant that is multiplied with a matrix."""
        number = self.constant(value)
        if value.ndim < 2:
            self.refuse("a product with a vector")
        _, rows, columns = self.constants[number].shape
        return Symbol(self, rows, columns, "constant", number)

    def refuse(self, what: str) -> NoReturn:
        self.refused = True
        raise Untraceable(what)


def _refused(name: str) -> Callable[..., Any]:
    """A method that refuses."""

    def refuse(self: Any, *arguments: Any, **keywords: Any) -> Any:
        self.trace.refuse(name)

    return refuse


class Guarded:
    """What is in place of arrays, and is asked for nothing that its class does not know."""

    __slots__ = ("trace",)

    trace: Trace

    # What a matrix is must not decide what is done with it.
    __class__ = property(_refused("__class__"))

    def __len__(self) -> int:
        return self.trace.runs

    def __getattr__(self, name: str) -> NoReturn:
        self.trace.refuse(name)


for _name in (
    *("array", "array_function", "bool", "float", "int", "index", "complex", "iter", "getitem", "setitem", "contains"),
    *("eq", "ne", "lt", "le", "gt", "ge", "hash", "pow", "rpow", "abs", "rtruediv", "floordiv", "mod", "pos", "invert"),
    *("iadd", "isub", "imul", "imatmul", "itruediv", "ipow", "copy", "deepcopy", "reduce_ex"),
    *("repr", "str", "format"),
):
    setattr(Guarded, f"__{_name}__", _refused(_name))


class Symbol(Guarded):
    """A matrix of each run, by what computes it."""

    __slots__ = ("rows", "columns", "operator", "operands")

    def __init__(self, trace: Trace, rows: int, columns: int, operator: str, *operands: Any) -> None:
        self.trace, self.rows, self.columns, self.operator, self.operands = trace, rows, columns, operator, operands

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.trace.runs, self.rows, self.columns

    @property
    def ndim(self) -> int:
        return 3

    @property
    def mT(self) -> "Symbol":
        return Symbol(self.trace, self.columns, self.rows, "T", self)

    def __matmul__(self, other: Any) -> "Symbol":
        if type(other) is not Symbol:
            other = self.trace.factor(other)
        if self.columns != other.rows or self.trace is not other.trace:
            self.trace.refuse("a product of unequal shapes")
        return Symbol(self.trace, self.rows, other.columns, "@", self, other)

    def __rmatmul__(self, other: Any) -> "Symbol":
        return self.trace.factor(other) @ self

    def _combine(self, sign: str, other: Any) -> "Symbol":
        if type(other) is not Symbol:
            other = self.trace.summand(other, self.rows, self.columns)
        if self.rows != other.rows or self.columns != other.columns or self.trace is not other.trace:
            self.trace.refuse("a sum of unequal shapes")
        return Symbol(self.trace, self.rows, self.columns, sign, self, other)

    def __add__(self, other: Any) -> "Symbol":
        return self._combine("+", other)

    def __sub__(self, other: Any) -> "Symbol":
        return self._combine("-", other)

    def __radd__(self, other: Any) -> "Symbol":
        # The sum of a list begins with 0.
        return self if type(other) is int and other == 0 else self + other

    def __rsub__(self, other: Any) -> "Symbol":
        return self.trace.summand(other, self.rows, self.columns) - self

    def __mul__(self, other: Any) -> "Symbol":
        if type(other) is float:
            return Symbol(self.trace, self.rows, self.columns, "*", self, other)
        if type(other) is np.ndarray:
            if other.shape in ((self.trace.runs, 1, 1), (1, 1, 1)):
                return Symbol(self.trace, self.rows, self.columns, "of runs", self, self.trace.constant(other))
            if other.ndim < 3 and other.size == 1:
                other = other.reshape(-1)[0]
        if type(other) is Symbol or not isinstance(other, NUMBERS):
            self.trace.refuse("a product entry by entry")
        return self * float(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Symbol":
        return self * (1.0 / other)

    def __neg__(self) -> "Symbol":
        return self * -1.0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> "Symbol":
        operator = OPERATORS.get(ufunc)
        if operator is None or method != "__call__" or keywords:
            self.trace.refuse(ufunc.__name__)
        if type(inputs[0]) is Symbol:
            return getattr(inputs[0], f"__{operator}__")(*inputs[1:])
        return getattr(inputs[1], f"__r{operator}__")(inputs[0])

    def reshape(self, *shape: int) -> "Flat":
        if shape != (self.trace.runs, -1):
            self.trace.refuse("a matrix of another shape")
        return Flat(self.trace, [self])


OPERATORS = {np.matmul: "matmul", np.add: "add", np.subtract: "sub", np.multiply: "mul", np.divide: "truediv"}
OPERATORS |= {np.negative: "neg"}


class Flat(Guarded):
    """The entries of matrices side by side, shape (batch, entries).

    They are cut where a matrix ends, into matrices of the shapes that they have, and put together again.
    """

    __slots__ = ("parts",)

    def __init__(self, trace: Trace, parts: Sequence[Symbol]) -> None:
        self.trace, self.parts = trace, list(parts)

    @property
    def shape(self) -> tuple[int, int]:
        return self.trace.runs, sum(part.rows * part.columns for part in self.parts)

    @property
    def ndim(self) -> int:
        return 2

    def __getitem__(self, key: Any) -> "Flat":
        if type(key) is not tuple or len(key) != 2 or key[0] != slice(None) or type(key[1]) is not slice:
            self.trace.refuse("an index")
        begin, end, stride = key[1].indices(self.shape[1])
        ends = [0, *accumulate(part.rows * part.columns for part in self.parts)]
        if stride != 1 or begin not in ends or end not in ends:
            self.trace.refuse("a part of a matrix")
        return Flat(self.trace, self.parts[ends.index(begin) : ends.index(end)])

    def reshape(self, *shape: Any) -> Symbol:
        (shape,) = shape if len(shape) == 1 else (shape,)
        part = self.parts[0]
        if len(self.parts) != 1 or shape not in ((-1, *part.shape[1:]), part.shape):
            self.trace.refuse("a matrix of another shape")
        return part

    def _each(self, operator: str, other: Any) -> "Flat":
        if type(other) is Flat:
            if [part.shape for part in self.parts] != [part.shape for part in other.parts]:
                self.trace.refuse("a sum of unequal shapes")
            pairs = zip(self.parts, other.parts, strict=True)
            return Flat(self.trace, [getattr(part, operator)(one) for part, one in pairs])
        if type(other) not in (int, float):
            self.trace.refuse(type(other).__name__)
        return Flat(self.trace, [getattr(part, operator)(other) for part in self.parts])

    def __add__(self, other: Any) -> "Flat":
        return self._each("__add__", other)

    def __sub__(self, other: Any) -> "Flat":
        return self._each("__sub__", other)

    def __mul__(self, other: Any) -> "Flat":
        return self._each("__mul__", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Flat":
        return self._each("__truediv__", other)

    def __neg__(self) -> "Flat":
        return self * -1.0

    def __array_function__(self, function: Callable[..., Any], types: Any, arguments: Any, keywords: Any) -> "Flat":
        parts = arguments[0]
        if function is not np.concatenate or (arguments[1:] or (keywords.get("axis"),)) != (1,):
            self.trace.refuse(function.__name__)
        if any(type(part) is not Flat or part.trace is not self.trace for part in parts):
            self.trace.refuse("an array among symbols")
        return Flat(self.trace, [symbol for part in parts for symbol in part.parts])
