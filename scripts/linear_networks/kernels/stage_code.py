"""The code of a step of an explicit Runge-Kutta method: weighted sums and norms around a velocity that is derived."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy as np
from llvmlite import ir

from linear_networks.kernels.lanes import LANES, Code, Lanes
from linear_networks.kernels.products import Layout, Step, operate

AT_ONCE = 8  # States within a step of each run that are computed at once.

# Numbers of each run: what it is told and what it tells.
NUMBERS = ("accepted", "turned", "step", "fifth", "third", "speed", "size", "bend")
TOLD = slice(3, len(NUMBERS))


class Tableau(NamedTuple):
    """An explicit Runge-Kutta method; tuples of numbers.

    Attributes
    ----------
    weights : tuple of tuple
        Row s holds the weights of the stages before stage s in the state at which that is evaluated. The state of the
        last stage of a step is the end of the step; stages after it are for states within.
    stages : int
        Number of the last stage of a step.
    fifth, third : tuple
        Weights of the stages in two estimates of the error, over the step size.
    dense : tuple of tuple
        Row p holds the weights of the stages in what x, x (1 - x), x^2 (1 - x), ... multiply at a fraction x of a step,
        over the step size.
    nudge : float
        Finite difference for the curvature, in units of the state.
    """

    weights: tuple[tuple[float, ...], ...]
    stages: int
    fifth: tuple[float, ...]
    third: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]
    nudge: float


Parts = tuple[tuple[int, int], ...]


class Function(NamedTuple):
    """The operations that compute a function of a state, and the names of the matrices of all."""

    layout: Layout
    state: tuple[str, ...]
    constants: tuple[str, ...]
    results: tuple[str, ...]

    @classmethod
    def of(cls, step: Step) -> Self:
        return cls(step.layout(), tuple(step.state), tuple(step.constants), step.results)

    def parts(self, names: tuple[str, ...], first: int = 0) -> Parts:
        """Where matrices begin, and their sizes, in a block where the layout begins at a place."""
        return tuple((first + self.layout.places[name], int(np.prod(self.layout.shapes[name]))) for name in names)


class Places(NamedTuple):
    """Where what belongs to a step lies in a block, after the matrices of the velocity; a state has `entries`.

    The matrices of what is seen of a state come last: `seen` on, from `shown` to `results`.
    """

    entries: int
    inputs: Parts
    velocities: Parts
    shown: Parts
    results: Parts
    numbers: int
    state: int
    direction: int
    stages: int
    end: int
    bend: int
    ends: int
    dense: int
    fractions: int
    inside: int
    seen: int
    size: int

    @classmethod
    def of(cls, velocity: Function, seen: Function | None, tableau: Tableau) -> Self:
        inputs, velocities = velocity.parts(velocity.state), velocity.parts(velocity.results)
        entries = sum(size for _, size in inputs)
        stages, dense = len(tableau.weights) * entries, len(tableau.dense) * entries
        lengths = len(NUMBERS), entries, entries, stages, entries, entries, entries, dense, AT_ONCE, AT_ONCE * entries
        size = entries if seen is None else seen.layout.size
        places = list(accumulate((velocity.layout.size, *lengths, size)))
        first = places[-2]
        shown = ((first, entries),) if seen is None else seen.parts(seen.state, first)
        results = shown if seen is None else seen.parts(seen.results, first)
        return cls(entries, inputs, velocities, shown, results, *places)


class Writer:
    """Writes the code of the kernels that `stages.Method` names."""

    def __init__(self, code: Code, velocity: Function, seen: Function | None, places: Places, tableau: Tableau) -> None:
        self.code, self.velocity, self.seen, self.places, self.tableau = code, velocity, seen, places, tableau

    def attempt(self, count: ir.Value) -> None:
        """All stages of a step, its errors, and one power iteration for the curvature at its end."""
        code, places, last = self.code, self.places, self.tableau.stages
        self.accept(count)
        evaluate = code.procedure(self.evaluate)
        self.advance(evaluate, 1, last)
        fifth, third, size = self.end()
        evaluate()
        (speed,) = self.of_velocity(self.stages_at(last), lambda velocity, e: velocity)
        nudge = size.sqrt() * code.constant(self.tableau.nudge)
        over_nudge = code.constant(1.0) / nudge
        self.each_input(lambda e: self.entry(places.direction, e).times(nudge, self.entry(places.end, e)))
        evaluate()
        (bend,) = self.of_velocity(
            places.bend, lambda velocity, e: (velocity - self.entry(self.stages_at(last), e)) * over_nudge
        )
        for name, value in zip(NUMBERS[TOLD], (fifth, third, speed, size, bend), strict=True):
            code.store(value, self.number(name))

    def end(self) -> list[Lanes]:
        """Lay the end of the step where the velocity reads it, and keep it for the next one and as parts of runs.

        Returns the squared norms of the errors over the step size, and of the end.
        """
        code, places = self.code, self.places

        def keep(e: ir.Value) -> tuple[Lanes, ...]:
            errors = (self.weighed(weights, e) for weights in (self.tableau.fifth, self.tableau.third))
            fifth, third, end = *errors, self.moved(self.tableau.stages, e)
            code.store(end, self.at(places.end, e))
            code.part(end, code.place(places.ends * LANES, (e, 1)), places.entries)
            return end, fifth, third, end

        return self.each_matrix(places.inputs, lambda place, e: self.stored(place, keep(e)), 3)

    def of_velocity(self, first: int, value: Callable[[Lanes, ir.Value], Lanes] | None = None) -> list[Lanes]:
        """Keep the velocity at a place, or a function of it with its squared norm."""

        def keep(place: ir.Value, e: ir.Value) -> tuple[Lanes, ...]:
            velocity = self.code.load(place)
            found = (velocity,) if value is None else (value(velocity, e),) * 2
            return self.stored(self.at(first, e), found)

        return self.each_matrix(self.places.velocities, keep, 0 if value is None else 1)

    def accept(self, _: ir.Value) -> None:
        """Make the end of the step before the state, and its change of velocity the direction, where so told."""
        code, places = self.code, self.places
        zero = code.constant(0.0)
        accepted, turned = (code.load(self.number(name)) for name in ("accepted", "turned"))
        with code.loop(0, places.entries) as e:
            for first, last in ((places.state, places.end), (places.stages, self.stages_at(self.tableau.stages))):
                old, new = self.entry(first, e), self.entry(last, e)
                code.store(new.where(accepted > zero, old), self.at(first, e))
            old, bend = self.entry(places.direction, e), self.entry(places.bend, e)
            code.store((bend * turned).where(turned > zero, old), self.at(places.direction, e))

    def dense(self, _: ir.Value) -> None:
        """The stages that states within the step need, and what is multiplied by powers of the fraction there."""
        code, tableau = self.code, self.tableau
        self.advance(code.procedure(self.evaluate), tableau.stages + 1, len(tableau.weights))
        step = code.load(self.number("step"))
        with code.loop(0, self.places.entries) as e:
            # All of them before any is stored: the stages are read once.
            found = [self.weighed(weights, e) * step for weights in tableau.dense]
            for power, value in enumerate(found):
                code.store(value, self.at(self.dense_at(power), e))

    def inside(self, count: ir.Value) -> None:
        """So many states within the step, as they are seen."""
        code, places, powers, seen = self.code, self.places, len(self.tableau.dense), self.seen
        show = None if seen is None else code.procedure(lambda: operate(code, seen.layout), places.seen)
        with code.loop(0, count) as sample:
            x = code.load(code.place(places.fractions, (sample, 1)))
            factors = x, code.constant(1.0) - x

            def within(place: ir.Value, e: ir.Value) -> tuple[Lanes, ...]:
                total = self.entry(self.dense_at(powers - 1), e)
                for power in reversed(range(powers)):
                    below = self.dense_at(power - 1) if power else places.state
                    total = total.times(factors[power % 2], self.entry(below, e))
                return self.stored(place, (total,))

            def keep(place: ir.Value, e: ir.Value) -> tuple[Lanes, ...]:
                kept = code.place(places.inside * LANES, (sample, places.entries), (e, 1))
                code.part(code.load(place), kept, AT_ONCE * places.entries)
                return ()

            self.each_matrix(places.shown, within, 0)
            if show is not None:
                show()
            self.each_matrix(places.results, keep, 0)

    def advance(self, evaluate: Callable[[], Any], first: int, end: int) -> None:
        """Evaluate stages, each from those before."""
        for stage in range(first, end):
            self.each_input(partial(self.moved, stage))
            evaluate()
            self.of_velocity(self.stages_at(stage))

    def evaluate(self) -> None:
        operate(self.code, self.velocity.layout)

    def each_input(self, value: Callable[[ir.Value], Lanes]) -> None:
        """Lay a state where the velocity reads it."""
        self.each_matrix(self.places.inputs, lambda place, e: self.stored(place, (value(e),)), 0)

    def each_matrix(
        self, matrices: Parts, visit: Callable[[ir.Value, ir.Value], tuple[Lanes, ...]], count: int
    ) -> list[Lanes]:
        """Visit the entries of matrices, by their place and their number in a state; sums of the squares of what that
        returns."""
        sums, first = [self.code.constant(0.0)] * count, 0
        for matrix, size in matrices:

            def add(entry: ir.Value, sums: list[Lanes], matrix: int = matrix, first: int = first) -> list[Lanes]:
                found = visit(self.at(matrix, entry), self.code.place(first, (entry, 1)))
                return [value.times(value, total) for value, total in zip(found, sums, strict=True)]

            sums = self.code.fold(size, sums, add)
            first += size
        return sums

    def stored(self, place: ir.Value, values: tuple[Lanes, ...]) -> tuple[Lanes, ...]:
        """Store the first of some values, and return the others."""
        self.code.store(values[0], place)
        return values[1:]

    def moved(self, stage: int, e: ir.Value) -> Lanes:
        """The state at which a stage is evaluated."""
        step = self.code.load(self.number("step"))
        return self.weighed(self.tableau.weights[stage][:stage], e).times(step, self.entry(self.places.state, e))

    def weighed(self, weights: Sequence[float], e: ir.Value) -> Lanes:
        """Weighted sum of the stages at an entry."""
        first, *others = [(stage, weight) for stage, weight in enumerate(weights) if weight]
        total = self.entry(self.stages_at(first[0]), e) * self.code.constant(first[1])
        for stage, weight in others:
            total = self.entry(self.stages_at(stage), e).times(self.code.constant(weight), total)
        return total

    def number(self, name: str) -> ir.Value:
        return self.code.place(self.places.numbers + NUMBERS.index(name))

    def stages_at(self, stage: int) -> int:
        return self.places.stages + stage * self.places.entries

    def dense_at(self, power: int) -> int:
        return self.places.dense + power * self.places.entries

    def entry(self, place: int, e: ir.Value) -> Lanes:
        return self.code.load(self.at(place, e))

    def at(self, place: int, e: ir.Value) -> ir.Value:
        return self.code.place(place, (e, 1))
