"""A step of descent as products of small matrices, compiled for their shapes and repeated inside of the kernel."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from itertools import product as pairs
from typing import NamedTuple

from llvmlite import ir

from linear_networks.arrays import Array
from linear_networks.kernels import lanes
from linear_networks.kernels.lanes import TILE, Code, Kernel, Lanes

Shapes = tuple[tuple[str, tuple[int, int]], ...]

# Steps with more entries than this go through BLAS, which is efficient for them even where a run is alone in its block.
MOST_ENTRIES = 8_000


# +1, -1 or the name of a 1 x 1 matrix.
Factor = int | str


class Product(NamedTuple):
    """out = base + factor * left @ right, of matrices by name; a name that ends in ' is that matrix transposed.

    Without a base it is 0. The same matrix may be `out` and `base`, but none of the others.
    """

    out: str
    base: str | None
    left: str
    right: str
    factor: Factor = 1


class Addition(NamedTuple):
    """out = base + factor * matrix, rounded as NumPy does; names are those of a Product."""

    out: str
    base: str | None
    matrix: str
    factor: Factor = 1


Operation = Product | Addition


@dataclass(frozen=True)
class Step:
    """One step of descent, or what else is made of sums of products.

    Parameters
    ----------
    state : dict of ndarray, each of shape (batch, rows, columns)
        Matrices that the step changes. A step that needs the old state throughout leaves the new one of "U" in "U+".
    constants : dict of ndarray, each of shape (batch, rows, columns)
    operations : tuple of Operation
        In the order in which they are done. Other matrices that are named in it are made by it.
    results : tuple of str
        Matrices that are asked for; those of the state if none are named.
    """

    state: dict[str, Array]
    constants: dict[str, Array]
    operations: tuple[Operation, ...]
    results: tuple[str, ...] = ()

    def is_small(self) -> bool:
        """Whether the step is worth compiling."""
        return sum(rows * columns for rows, columns in self.layout().shapes.values()) <= MOST_ENTRIES

    def repeat(self, count: int) -> list[Array]:
        """The results after so many steps."""
        layout = self.layout()
        kernel = compiled(layout)
        runs = len(next(iter(self.state.values())))
        workspace = lanes.workspace(runs, kernel.size)
        for arrays in (self.state, self.constants):
            for name, array in arrays.items():
                lanes.pack(array, workspace, layout.places[name])
        kernel(workspace, count)
        return [
            lanes.unpack(workspace, layout.places[name], runs, *layout.shapes[name])
            for name in self.results or self.state
        ]

    def layout(self) -> "Layout":
        given = tuple(
            (name, array.shape[1:]) for arrays in (self.state, self.constants) for name, array in arrays.items()
        )
        return laid_out(given, self.operations)


class Layout:
    """Where the matrices of a step lie in the workspace of its kernel: one after another, row-major.

    Attributes
    ----------
    operations : tuple of Operation
    shapes : dict of str to (rows, columns)
        Of all matrices, in their order.
    places : dict of str to int
        Of their first entries.
    size : int
        Entries of all of them.
    """

    def __init__(self, given: Shapes, operations: tuple[Operation, ...]) -> None:
        self.operations, self.shapes = operations, dict(given)
        for operation in operations:
            first, last = (operation.matrix,) * 2 if isinstance(operation, Addition) else operation[2:4]
            self.shapes.setdefault(operation.out, (self.shape(first)[0], self.shape(last)[1]))
        ends = list(accumulate(rows * columns for rows, columns in self.shapes.values()))
        self.places, self.size = dict(zip(self.shapes, (0, *ends), strict=False)), ends[-1]

    def shape(self, name: str) -> tuple[int, int]:
        rows, columns = self.shapes[name.rstrip("'")]
        return (columns, rows) if name.endswith("'") else (rows, columns)

    def strides(self, name: str) -> tuple[int, int]:
        """How far apart the rows of a matrix lie, and its columns."""
        width = self.shapes[name.rstrip("'")][1]
        return (1, width) if name.endswith("'") else (width, 1)

    def place(self, name: str) -> int:
        return self.places[name.rstrip("'")]


@lru_cache(maxsize=256)
def laid_out(given: Shapes, operations: tuple[Operation, ...]) -> Layout:
    """The layout of a step with these states and constants, the same object for the same step."""
    return Layout(given, operations)


@lru_cache(maxsize=256)
def compiled(layout: Layout) -> Kernel:
    """Kernel that repeats a step."""

    def write(code: Code, count: ir.Value) -> None:
        with code.loop(0, count):
            operate(code, layout)
            for name, (rows, columns) in layout.shapes.items():
                if f"{name}+" in layout.shapes:
                    with code.loop(0, rows * columns) as entry:
                        new = code.load(code.place(layout.place(f"{name}+"), (entry, 1)))
                        code.store(new, code.place(layout.place(name), (entry, 1)))

    return Kernel(layout.size, write)


def operate(code: Code, layout: Layout) -> None:
    """Write the code of all operations."""
    for operation in layout.operations:
        if isinstance(operation, Addition):
            add(code, layout, operation)
        else:
            multiply(code, layout, operation)


def add(code: Code, layout: Layout, addition: Addition) -> None:
    """Write the code of an addition."""
    rows, columns = layout.shapes[addition.out]
    with code.loop(0, rows) as i, code.loop(0, columns) as j:

        def place(name: str) -> ir.Value:
            down, across = layout.strides(name)
            return code.place(layout.place(name), (i, down), (j, across))

        summand = code.load(place(addition.matrix))
        if isinstance(addition.factor, str):
            summand = summand * code.load(code.place(layout.place(addition.factor)))
        if addition.base is None:
            total = -summand if addition.factor == -1 else summand
        else:
            base = code.load(place(addition.base))
            total = base - summand if addition.factor == -1 else base + summand
        code.store(total, place(addition.out))


def multiply(code: Code, layout: Layout, product: Product) -> None:
    """Write the code of a product, tile by tile."""
    rows, columns = layout.shapes[product.out]
    for down, across in pairs(_bands(rows, TILE[0]), _bands(columns, TILE[1])):
        with code.loop(0, down.parts) as i, code.loop(0, across.parts) as j:
            multiply_tile(code, layout, product, Tile(down, i), Tile(across, j))


def multiply_tile(code: Code, layout: Layout, product: Product, down: "Tile", across: "Tile") -> None:
    """Sum the entries of a tile of the product."""
    tile = list(pairs(range(down.band.size), range(across.band.size)))

    def place(name: str, i: int, j: int) -> ir.Value:
        """Place of an entry of the tile."""
        return code.place(layout.place(name), *down.at(i, layout.strides(name)[0]), *across.at(j, 1))

    def base(i: int, j: int) -> Lanes:
        return code.constant(0.0) if product.base is None else code.load(place(product.base, i, j))

    def operand(name: str, tile: Tile, index: int, a: ir.Value, axis: int) -> Lanes:
        """Entry of a factor of the product: a row of the left one, a column of the right one, at a."""
        strides = layout.strides(name)
        return code.load(code.place(layout.place(name), *tile.at(index, strides[axis]), (a, strides[1 - axis])))

    def accumulated(a: ir.Value, sums: list[Lanes]) -> list[Lanes]:
        rows = [operand(product.left, down, i, a, 0) for i in range(down.band.size)]
        columns = [operand(product.right, across, j, a, 1) for j in range(across.band.size)]
        if product.factor == -1:
            rows = [-row for row in rows]
        return [rows[i].times(columns[j], total) for (i, j), total in zip(tile, sums, strict=True)]

    scaled = isinstance(product.factor, str)
    first = [code.constant(0.0) if scaled else base(*entry) for entry in tile]
    sums = code.fold(layout.shape(product.left)[1], first, accumulated)
    for entry, total in zip(tile, sums, strict=True):
        if isinstance(product.factor, str):
            factor = code.load(code.place(layout.place(product.factor)))
            total = factor.times(total, base(*entry))
        code.store(total, place(product.out, *entry))


class Band(NamedTuple):
    """Equal parts of the rows, or the columns, of a matrix that follow each other."""

    start: int
    size: int
    parts: int


class Tile(NamedTuple):
    """One part of a band, by its number."""

    band: Band
    number: ir.Value

    def at(self, index: int, stride: int) -> tuple[tuple[ir.Value | int, int], ...]:
        """What an index within the part adds to a place, as pairs of an index and its stride."""
        return (self.number, self.band.size * stride), (self.band.start + index, stride)


def _bands(size: int, most: int) -> list[Band]:
    """A size in parts of at most `most`, as equal as can be."""
    parts = -(-size // most)
    least, longer = divmod(size, parts)
    bands = [Band(0, least, parts - longer), Band((parts - longer) * least, least + 1, longer)]
    return [band for band in bands if band.parts]
