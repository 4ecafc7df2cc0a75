"""A step of descent along a velocity, as the products that a kernel takes.

The step size is multiplied into constants as far as it can be, so that it costs nothing in a step: what a matrix is
multiplied with is handed on to the matrices that it is made of. Sums are taken in the order in which they are written,
constants first.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.expressions import ONE, Coefficient, Expression, Reference, Term, expression
from linear_networks.kernels.products import Addition, Factor, Operation, Product, Step
from linear_networks.kernels.symbols import Shape

# The shape of a sum of constants, and its terms, in which the number of a constant stands for its place.
Matrix = tuple[Shape, tuple[Term, ...]]
ETA = Coefficient(step_size=True)


class Recipe(NamedTuple):
    """A step, or a velocity times a step size, for any constants and step size.

    Attributes
    ----------
    state, results : tuple of str
        Names of the matrices of the state, and of those that are computed.
    operations : tuple of Operation
    scalars : dict of str to Coefficient
        Coefficients that are named in the operations.
    matrices : dict of str to Matrix
        Sums of constants that are named in the operations.
    """

    state: tuple[str, ...]
    results: tuple[str, ...]
    operations: tuple[Operation, ...]
    scalars: dict[str, Coefficient]
    matrices: dict[str, Matrix]

    def step(self, state: list[Array], constants: list[Array], step_size: float) -> Step:
        """The step from a state, each matrix of shape (batch, rows, columns)."""
        runs = len(state[0])

        def spread(array: Array, shape: Shape) -> Array:
            return array if array.shape == (runs, *shape) else np.broadcast_to(array, (runs, *shape))

        def value(coefficient: Coefficient) -> Array | float:
            product: Array | float = coefficient.number
            for number in coefficient.of_runs:
                product = product * constants[number]
            return product * step_size if coefficient.step_size else product

        def total(shape: Shape, terms: tuple[Term, ...]) -> Array:
            parts = []
            for coefficient, (number, transposed) in terms:
                constant = constants[number].mT if transposed else constants[number]
                parts.append(constant if coefficient == ONE else value(coefficient) * constant)
            return spread(sum(parts[1:], parts[0]), shape)

        named = {name: total(*matrix) for name, matrix in self.matrices.items()}
        named |= {name: spread(np.asarray(value(scalar)), (1, 1)) for name, scalar in self.scalars.items()}
        return Step(dict(zip(self.state, state, strict=True)), named, self.operations, self.results)


def recipe(tape: tuple[tuple[Any, ...], ...], velocities: tuple[int, ...], steps: bool = True) -> Recipe:
    """The recipe of a step along velocities that a tape, see `tracing.Traced`, writes down, or of the velocities."""
    return _Lowering(expression(tape, velocities)).recipe(steps)


class Times(NamedTuple):
    """A coefficient times a product of two matrices, that is computed where it is summed."""

    coefficient: Coefficient
    left: Reference
    right: Reference


Parts = list[Term | Times]


class _Lowering:
    """One expression on its way to a recipe.

    A product or a sum that is used once, as a summand, is computed where it is summed. Others are kept, as matrices of
    their own: each by its scale, which is what its users multiply it with, where they agree.
    """

    def __init__(self, whole: Expression) -> None:
        self.nodes, self.uses = whole.nodes, whole.uses()
        self.velocities = whole.velocities
        used = [node for node, uses in zip(self.nodes, self.uses, strict=True) if uses]
        self.multiplied = {operand.node for node in used if node.kind == "product" for operand in node.of}
        self.kept = [place for place, uses in enumerate(self.uses) if uses and self.is_kept(place)]
        self.scales: dict[int, Coefficient] = {}
        self.operations: list[Operation] = []
        self.scalars: dict[Coefficient, str] = {}
        self.matrices: dict[Matrix, str] = {}

    def recipe(self, steps: bool) -> Recipe:
        moves = [self.parts(velocity.times(ETA)) for velocity in self.velocities]
        self.set_scales(moves)
        for place in self.kept:
            self.compute(f"t{place}", None, self.nodes[place].shape, self.body(place, self.scales[place]))
        state, velocities = (tuple(f"{letter}{number}" for number in range(len(moves))) for letter in "xv")
        for number, (velocity, parts) in enumerate(zip(self.velocities, moves, strict=True)):
            own = state[number]
            # The old matrix stays as long as anything is computed from it.
            out = f"{own}+" if any(self.reads(number, later) for later in moves[number:]) else own
            out, base = (out, own) if steps else (velocities[number], None)
            self.compute(out, base, self.shape(velocity.matrix), parts)
        return Recipe(
            state,
            state if steps else velocities,
            tuple(self.operations),
            {name: scalar for scalar, name in self.scalars.items()},
            {name: matrix for matrix, name in self.matrices.items()},
        )

    def shape(self, matrix: Reference) -> Shape:
        rows, columns = self.nodes[matrix.node].shape
        return (columns, rows) if matrix.transposed else (rows, columns)

    def is_kept(self, place: int) -> bool:
        """Whether a node is a matrix of its own."""
        if self.nodes[place].kind not in ("product", "sum"):
            return False
        # A velocity without products is summed before it is multiplied with the step size, as in a plain step.
        is_velocity = any(velocity.matrix.node == place for velocity in self.velocities)
        return self.uses[place] > 1 or place in self.multiplied or (is_velocity and not self.has_products(place))

    def has_products(self, place: int) -> bool:
        node = self.nodes[place]
        return node.kind == "product" or (
            node.kind == "sum" and any(self.has_products(term.matrix.node) for term in node.of)
        )

    def parts(self, term: Term) -> Parts:
        """A term as terms of matrices that are there, and products."""
        place, turned = term.matrix
        if self.nodes[place].kind in ("state", "constant") or self.is_kept(place):
            return [term]
        return self.body(place, term.coefficient, turned)

    def body(self, place: int, coefficient: Coefficient, turned: bool = False) -> Parts:
        """What a node is made of, times a coefficient."""
        node = self.nodes[place]
        if node.kind == "sum":
            return [part for term in node.of for part in self.parts(term.times(coefficient, turned))]
        left, right = node.of
        return [Times(coefficient, *((right.turned(True), left.turned(True)) if turned else (left, right)))]

    def reads(self, number: int, parts: Parts) -> bool:
        """Whether a matrix of the state is needed for parts."""
        read = [matrix for part in parts for matrix in part[1:]]
        return any(self.nodes[place].kind == "state" and self.nodes[place].of == (number,) for place, _ in read)

    def set_scales(self, steps: list[Parts]) -> None:
        """Hand the coefficients of kept matrices on to them, from the velocities down."""
        asked: dict[int, set[Coefficient]] = {place: set() for place in self.kept}

        def ask(parts: Parts) -> None:
            for part in parts:
                used, scaled = [place for place, _ in part[1:] if place in asked], self.scaled(part)
                if scaled is not None:
                    used.remove(scaled)
                    asked[scaled].add(part.coefficient.size())
                # The other factor of a product, which may be the same matrix, is taken as it is.
                for place in used:
                    asked[place].add(ONE)

        for parts in steps:
            ask(parts)
        for place in reversed(self.kept):
            agreed = len(asked[place]) == 1 and self.has_products(place)
            self.scales[place] = next(iter(asked[place])) if agreed else ONE
            ask(self.body(place, self.scales[place]))

    def scaled(self, part: Term | Times) -> int | None:
        """The kept matrix of a part that is to be multiplied with its coefficient."""
        return next((place for place, _ in part[1:] if place in self.kept and self.has_products(place)), None)

    def compute(self, out: str, base: str | None, shape: Shape, parts: Parts) -> None:
        """out = base + parts."""
        products = [part for part in parts if isinstance(part, Times)]
        for name, factor in self.summands(shape, [part for part in parts if isinstance(part, Term)], bool(products)):
            if base is None and factor == 1 and not name.endswith("'"):
                base = name
            else:
                self.operations.append(Addition(out, base, name, factor))
                base = out
        for part in products:
            self.operations.append(Product(out, base, self.name(part.left), self.name(part.right), self.factor(part)))
            base = out
        if base not in (None, out):
            self.operations.append(Addition(out, None, base))

    def summands(self, shape: Shape, terms: list[Term], reordered: bool) -> Iterator[tuple[str, Factor]]:
        """Names and factors of terms; if they may be reordered, constants come first, as one."""
        constants = [term for term in terms if self.nodes[term.matrix.node].kind == "constant"]
        if reordered and constants:
            yield self.constant(shape, constants), 1
        for term in terms:
            if term not in constants:
                yield self.name(term.matrix), self.factor(term)
            elif not reordered:
                yield self.constant(shape, [term]), 1

    def factor(self, part: Term | Times) -> Factor:
        """What a part is still to be multiplied with: a sign, or the name of a coefficient."""
        coefficient, scaled = part.coefficient, self.scaled(part)
        done = ONE if scaled is None else self.scales[scaled]
        if done == coefficient.size():
            return coefficient.sign()
        return self.scalars.setdefault(coefficient, f"s{len(self.scalars)}")

    def constant(self, shape: Shape, terms: list[Term]) -> str:
        """Name of a sum of constants."""
        numbered = tuple(
            Term(coefficient, Reference(self.nodes[place].of[0], turned)) for coefficient, (place, turned) in terms
        )
        return self.matrices.setdefault((shape, numbered), f"c{len(self.matrices)}")

    def name(self, matrix: Reference) -> str:
        node = self.nodes[matrix.node]
        if node.kind == "state":
            name = f"x{node.of[0]}"
        elif node.kind == "constant":
            name = self.constant(node.shape, [Term(ONE, Reference(matrix.node))])
        else:
            name = f"t{matrix.node}"
        return f"{name}'" if matrix.transposed else name
