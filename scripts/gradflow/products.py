"""A step of descent as products of small matrices, compiled for their shapes and repeated inside of the kernel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product as pairs
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from gradflow import lanes
from gradflow.lanes import TILE, Code, Kernel, Lanes

Array = NDArray[np.float64]
Shapes = tuple[tuple[str, tuple[int, int]], ...]

# Steps of more tiles than this go through BLAS: their matrices are large enough for it.
MOST_TILES = 200


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
        sizes = dict(self.shapes())
        tiles = (len(_tiles(*sizes[product.out])) for product in self.products)
        return sum(tiles) <= MOST_TILES

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
                for tile in _tiles(*sizes[product.out]):
                    multiply(code, product, tile)
            for name, size in shapes:
                if f"{name}+" in sizes:
                    with code.loop(0, size[0] * size[1]) as entry:
                        new = code.load(code.place(places[f"{name}+"], (entry, 1)))
                        code.store(new, code.place(places[name], (entry, 1)))

    def multiply(code: Code, product: Product, tile: list[tuple[int, int]]) -> None:
        """Sum the entries of a tile of the product."""
        out, base = (entries(name) for name in (product.out, product.base))
        left, right = entries(product.left), entries(product.right)
        scaled = isinstance(product.factor, str)
        first = [code.constant(0.0) if scaled else code.load(base(code, i, j)) for i, j in tile]

        def add(a: ir.Value, sums: list[Lanes]) -> list[Lanes]:
            rows = {i: code.load(left(code, i, a)) for i in dict(tile)}
            columns = {j: code.load(right(code, a, j)) for j in {j: None for _, j in tile}}
            if product.factor == -1:
                rows = {i: -row for i, row in rows.items()}
            return [rows[i].times(columns[j], total) for (i, j), total in zip(tile, sums, strict=True)]

        sums = code.fold(_shape(product.left, sizes)[1], first, add)
        for (i, j), total in zip(tile, sums, strict=True):
            if isinstance(product.factor, str):
                factor = code.load(code.place(places[product.factor]))
                total = factor.times(total, code.load(base(code, i, j)))
            code.store(total, out(code, i, j))

    def entries(name: str) -> Callable[[Code, ir.Value | int, ir.Value | int], ir.Value]:
        """Function from indices to the place of an entry of a matrix."""
        first, (_, columns) = places[name.rstrip("'")], sizes[name.rstrip("'")]
        strides = (1, columns) if name.endswith("'") else (columns, 1)
        return lambda code, i, j: code.place(first, (i, strides[0]), (j, strides[1]))

    return Kernel(sum(rows * columns for rows, columns in sizes.values()), write)


def _tiles(rows: int, columns: int) -> list[list[tuple[int, int]]]:
    """Entries of a matrix in tiles of at most `TILE` rows and columns."""
    bands = pairs(_split(rows, TILE[0]), _split(columns, TILE[1]))
    return [list(pairs(down, across)) for down, across in bands]


def _split(size: int, most: int) -> list[range]:
    parts = -(-size // most)
    return [range(size * part // parts, size * (part + 1) // parts) for part in range(parts)]


def _places(shapes: Shapes) -> dict[str, int]:
    places, end = {}, 0
    for name, (rows, columns) in shapes:
        places[name], end = end, end + rows * columns
    return places


def _shape(name: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return shapes[name[:-1]][::-1] if name.endswith("'") else shapes[name]
