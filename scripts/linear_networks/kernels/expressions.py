"""A velocity as sums of products of matrices with coefficients, each equal part of it once."""

from typing import Any, Literal, NamedTuple

from linear_networks.kernels.symbols import Shape


class Coefficient(NamedTuple):
    """A number, times numbers of each run (constants by their number), and times the step size, or not."""

    number: float = 1.0
    of_runs: tuple[int, ...] = ()
    step_size: bool = False

    def times(self, other: "Coefficient") -> "Coefficient":
        of_runs = tuple(sorted(self.of_runs + other.of_runs))
        return Coefficient(self.number * other.number, of_runs, self.step_size or other.step_size)

    def sign(self) -> int:
        return -1 if self.number < 0 else 1

    def size(self) -> "Coefficient":
        return self._replace(number=abs(self.number))


ONE = Coefficient()


class Reference(NamedTuple):
    """A node by its place, or its transpose."""

    node: int
    transposed: bool = False

    def turned(self, turned: bool) -> "Reference":
        return Reference(self.node, self.transposed != turned)


class Term(NamedTuple):
    """A coefficient times a matrix."""

    coefficient: Coefficient
    matrix: Reference

    def times(self, coefficient: Coefficient, turned: bool = False) -> "Term":
        return Term(coefficient.times(self.coefficient), self.matrix.turned(turned))


class Node(NamedTuple):
    """A matrix: one of the state or a constant, by its number, the product of two References, or a sum of Terms."""

    kind: Literal["state", "constant", "product", "sum"]
    shape: Shape
    of: tuple[Any, ...]


class Expression(NamedTuple):
    """The velocity of each matrix of a state. A node comes after those that it is made of."""

    nodes: tuple[Node, ...]
    velocities: tuple[Term, ...]

    def uses(self) -> list[int]:
        """How often each node is used by the velocities, and by the nodes that they use."""
        uses = [0] * len(self.nodes)
        for velocity in self.velocities:
            uses[velocity.matrix.node] += 1
        for place in reversed(range(len(self.nodes))):
            node = self.nodes[place]
            if uses[place] and node.kind in ("product", "sum"):
                for part in node.of:
                    uses[(part.matrix if node.kind == "sum" else part).node] += 1
        return uses


def expression(tape: tuple[tuple[Any, ...], ...], velocities: tuple[int, ...]) -> Expression:
    """The expression that a tape, see `tracing.Traced`, writes down."""
    nodes: dict[Node, int] = {}
    read: list[Term] = []

    def matrix(kind: Any, shape: Shape, *of: Any) -> Reference:
        return Reference(nodes.setdefault(Node(kind, shape, of), len(nodes)))

    def shape(term: Term) -> Shape:
        rows, columns = list(nodes)[term.matrix.node].shape
        return (columns, rows) if term.matrix.transposed else (rows, columns)

    for operator, *operands in tape:
        if operator in ("state", "constant"):
            rows, columns, number = operands
            read.append(Term(ONE, matrix(operator, (rows, columns), number)))
        elif operator == "T":
            read.append(read[operands[0]].times(ONE, turned=True))
        elif operator == "*":
            read.append(read[operands[0]].times(Coefficient(operands[1])))
        elif operator == "of runs":
            read.append(read[operands[0]].times(Coefficient(1.0, (operands[1],))))
        else:
            left, right = (read[place] for place in operands)
            if operator == "@":
                product = matrix("product", (shape(left)[0], shape(right)[1]), left.matrix, right.matrix)
                read.append(Term(left.coefficient.times(right.coefficient), product))
            else:
                second = right.times(Coefficient(1.0 if operator == "+" else -1.0))
                read.append(Term(ONE, matrix("sum", shape(left), left, second)))
    return Expression(tuple(nodes), tuple(read[place] for place in velocities))
