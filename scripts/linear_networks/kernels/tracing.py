"""What a velocity computes, written down by calling it once with symbols in place of matrices."""

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, NamedTuple

from linear_networks.arrays import Array
from linear_networks.kernels.purity import Impure, Watch
from linear_networks.kernels.symbols import Guarded, Symbol, Trace, Untraceable

Velocity = Callable[[list[Any]], Sequence[Any]]


class Traced(NamedTuple):
    """A velocity, written down.

    Attributes
    ----------
    tape : tuple
        What was computed, each entry after its operands, which are given by their places:
        ("state", rows, columns, number of the matrix), ("constant", rows, columns, number of the constant),
        ("@", left, right), ("+", left, right), ("-", left, right), ("T", matrix), ("*", matrix, number),
        ("of runs", matrix, number of the constant that holds a number for each run).
    velocities : tuple of int
        Places of the velocity of each matrix of the state.
    constants : list of ndarray, each of shape (batch or 1, rows, columns)
    codes : tuple of code
        What ran.
    """

    tape: tuple[tuple[Any, ...], ...]
    velocities: tuple[int, ...]
    constants: list[Array]
    codes: tuple[CodeType, ...]


def trace(velocity: Velocity, state: Sequence[Array]) -> Traced | None:
    """What a velocity computes of matrices of the shapes of a state.

    Parameters
    ----------
    velocity : callable
        velocity(state) -> list of the velocity of each matrix of the state.
    state : sequence of ndarray, each of shape (batch, rows, columns)

    Returns
    -------
    Traced or None
        None where the velocity does more than symbols know, or might do more than compute.
    """
    tracing, watch = Trace(len(state[0])), Watch((Guarded, Trace))
    symbols = [Symbol(tracing, *array.shape[1:], "state", number) for number, array in enumerate(state)]
    try:
        with watch:
            found = velocity(list(symbols))
        if tracing.refused or watch.stopped or type(found) not in (list, tuple):
            return None
        # A constant may be a velocity too.
        velocities = [
            value
            if type(value) is Symbol and value.trace is tracing and (value.rows, value.columns) == array.shape[1:]
            else tracing.summand(value, *array.shape[1:])
            for value, array in zip(found, state, strict=True)
        ]
    except (Untraceable, Impure, Exception):
        # What is wrong with a velocity, the plain step says.
        return None
    tape: list[tuple[Any, ...]] = []
    places: dict[int, int] = {}
    velocity_places = tuple(_write(symbol, tape, places) for symbol in velocities)
    return Traced(tuple(tape), velocity_places, tracing.constants, tuple(watch.codes))


def _write(symbol: Symbol, tape: list[tuple[Any, ...]], places: dict[int, int]) -> int:
    """Write what computes a symbol on a tape, unless it is there, and return its place."""
    place = places.get(id(symbol))
    if place is None:
        if symbol.operator in ("state", "constant"):
            entry = symbol.operator, symbol.rows, symbol.columns, *symbol.operands
        else:
            entry = (
                symbol.operator,
                *(_write(part, tape, places) if type(part) is Symbol else part for part in symbol.operands),
            )
        tape.append(entry)
        places[id(symbol)] = place = len(tape) - 1
    return place
