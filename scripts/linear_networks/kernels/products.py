"""A step of descent as products of small matrices, compiled for their shapes and repeated inside of the kernel."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product as pairs
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from linear_networks.kernels import lanes
from linear_networks.kernels.lanes import TILE, Code, Kernel, Lanes

Array = NDArray[np.float64]
Shapes = tuple[tuple[str, tuple[int, int]], ...]

# Steps with more entries than this go through BLAS, which is efficient for them even where a run is alone in its block.
MOST_ENTRIES = 8_000


class Product(NamedTuple):
    """out = base + factor * left @ right, of matrices by name; a name that ends in ' is that matrix transposed.

    The factor is +1, -1 or the name of a 1 x 1 matrix. The same matrix may be `out` and `base`, but none of the others.
    """

    out: str
    base: str
    left: str
    right: str
    factor: int | str = 1


@dataclass(frozen=True)
class Step:
    """One step of descent.

    Parameters
    ----------
    state : dict of ndarray, each of shape (batch, rows, columns)
        Matrices that the step changes. A step that needs the old state throughout leaves the new one of "U" in "U+".
    constants : dict of ndarray, each of shape (batch, rows, columns)
    products : tuple of Product
        In the order in which they are taken. Other matrices that are named in it are made by it.
    """

    state: dict[str, Array]
    constants: dict[str, Array]
    products: tuple[Product, ...]

    def is_small(self) -> bool:
        """Whether the step is worth compiling."""
        return sum(rows * columns for _, (rows, columns) in self.shapes()) <= MOST_ENTRIES

    def shapes(self) -> Shapes:
        """Shapes of all matrices, by name."""
        shapes = {name: array.shape[1:] for name, array in (self.state | self.constants).items()}
        for product in self.products:
            rows, columns = _shape(product.left, shapes)[0], _shape(product.right, shapes)[1]
            shapes.setdefault(product.out, (rows, columns))
        return tuple(shapes.items())

    def repeat(self, count: int) -> list[Array]:
        """The matrices of the state after so many steps."""
        shapes = self.shapes()
        kernel, places = compiled(shapes, self.products), _places(shapes)
        runs = len(next(iter(self.state.values())))
        workspace = lanes.workspace(runs, kernel.size)
        for name, array in (self.state | self.constants).items():
            lanes.pack(array, workspace, places[name])
        kernel(workspace, count)
        return [lanes.unpack(workspace, places[name], runs, *array.shape[1:]) for name, array in self.state.items()]


@cache
def compiled(shapes: Shapes, products: tuple[Product, ...]) -> Kernel:
    """Kernel that repeats a step; the matrices lie in its workspace in the order of `shapes`, row-major."""
    sizes, places = dict(shapes), _places(shapes)

    def write(code: Code, count: ir.Value) -> None:
        with code.loop(0, count):
            for product in products:
                rows, columns = sizes[product.out]
                for down, across in pairs(_bands(rows, TILE[0]), _bands(columns, TILE[1])):
                    with code.loop(0, down.parts) as i, code.loop(0, across.parts) as j:
                        multiply(code, product, Tile(down, i), Tile(across, j))
            for name, (rows, columns) in shapes:
                if f"{name}+" in sizes:
                    with code.loop(0, rows * columns) as entry:
                        new = code.load(code.place(places[f"{name}+"], (entry, 1)))
                        code.store(new, code.place(places[name], (entry, 1)))

    def multiply(code: Code, product: Product, down: Tile, across: Tile) -> None:
        """Sum the entries of a tile of the product."""
        scaled = isinstance(product.factor, str)
        tile = list(pairs(range(down.band.size), range(across.band.size)))

        def place(name: str, i: int, j: int) -> ir.Value:
            """Place of an entry of the tile."""
            return code.place(places[name], *down.at(i, sizes[name][1]), *across.at(j, 1))

        def operand(name: str, tile: Tile, index: int, a: ir.Value, axis: int) -> Lanes:
            """Entry of a factor of the product: a row of the left one, a column of the right one, at a."""
            strides = (1, sizes[name[:-1]][1]) if name.endswith("'") else (sizes[name][1], 1)
            return code.load(
                code.place(places[name.rstrip("'")], *tile.at(index, strides[axis]), (a, strides[1 - axis]))
            )

        def add(a: ir.Value, sums: list[Lanes]) -> list[Lanes]:
            rows = [operand(product.left, down, i, a, 0) for i in range(down.band.size)]
            columns = [operand(product.right, across, j, a, 1) for j in range(across.band.size)]
            if product.factor == -1:
                rows = [-row for row in rows]
            return [rows[i].times(columns[j], total) for (i, j), total in zip(tile, sums, strict=True)]

        first = [code.constant(0.0) if scaled else code.load(place(product.base, *entry)) for entry in tile]
        sums = code.fold(_shape(product.left, sizes)[1], first, add)
        for entry, total in zip(tile, sums, strict=True):
            if isinstance(product.factor, str):
                factor = code.load(code.place(places[product.factor]))
                total = factor.times(total, code.load(place(product.base, *entry)))
            code.store(total, place(product.out, *entry))

    return Kernel(sum(rows * columns for rows, columns in sizes.values()), write)


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


def _places(shapes: Shapes) -> dict[str, int]:
    places, end = {}, 0
    for name, (rows, columns) in shapes:
        places[name], end = end, end + rows * columns
    return places


def _shape(name: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return shapes[name[:-1]][::-1] if name.endswith("'") else shapes[name]
