"""Singular values of a batch of small matrices."""

from functools import cache

import numpy as np
from llvmlite import ir

from linear_networks.arrays import Array
from linear_networks.kernels import lanes
from linear_networks.kernels.lanes import Code, Kernel, Lanes

# Matrices with more rows and columns than this have their singular values from LAPACK.
LARGEST = 16
SWEEPS = 30  # Some seven suffice.


def singular_values(matrices: Array) -> Array:
    """Singular values, descending.

    Parameters
    ----------
    matrices : ndarray, shape (batch, rows, columns)

    Returns
    -------
    ndarray, shape (batch, min(rows, columns))
        NaN for a matrix that has entries which are not finite.
    """
    if matrices.shape[1] > matrices.shape[2]:
        matrices = matrices.mT
    batch, rows, columns = matrices.shape
    if rows > LARGEST:
        finite = np.isfinite(matrices).all(axis=(1, 2))
        values = np.full((batch, rows), np.nan)
        values[finite] = np.linalg.svdvals(matrices[finite])
        return values
    # Squares of the entries neither overflow nor vanish. A power of 2 scales without rounding.
    scale = np.exp2(np.frexp(np.abs(matrices).max(axis=(1, 2)))[1])
    kernel = jacobi(rows, columns)
    workspace = lanes.workspace(batch, kernel.size)
    lanes.pack(matrices / scale[:, None, None], workspace, 0)
    kernel(workspace)
    values = lanes.unpack(workspace, 0, batch, rows) * scale[:, None]
    return np.flip(np.sort(values, axis=1), axis=1)


@cache
def jacobi(rows: int, columns: int) -> Kernel:
    """Kernel for singular values by one-sided Jacobi rotations, accurate to rounding of each.

    A block of its workspace begins with the matrix, rows first, in the place of which it leaves the singular values.
    Rows are rotated in pairs until all are orthogonal: then their norms are the singular values.

    References
    ----------
    Golub & Van Loan, Matrix Computations, 8.6.3; Demmel & Veselic, Jacobi's method is more accurate than QR (1992).
    """
    rotated = rows * columns

    def write(code: Code, count: ir.Value) -> None:
        with code.repeat(SWEEPS, code.place(rotated)):
            if rows > 1:
                with code.loop(0, rows - 1) as i, code.loop(code.builder.add(i, i.type(1)), rows) as j:
                    rotate(code, i, j)
        with code.loop(0, rows) as i:
            # The norm of a row takes the place of an entry that has been read.
            code.store(norm(code, i), code.place(0, (i, 1)))

    def norm(code: Code, i: ir.Value) -> Lanes:
        def add(a: ir.Value, sums: list[Lanes]) -> list[Lanes]:
            x = code.load(code.place(0, (i, columns), (a, 1)))
            return [x.times(x, sums[0])]

        return code.fold(columns, [code.constant(0.0)], add)[0].sqrt()

    def rotate(code: Code, i: ir.Value, j: ir.Value) -> None:
        """Make rows i and j orthogonal."""
        zero, one = code.constant(0.0), code.constant(1.0)

        def pair(a: ir.Value) -> tuple[ir.Value, ir.Value]:
            return code.place(0, (i, columns), (a, 1)), code.place(0, (j, columns), (a, 1))

        def products(a: ir.Value, sums: list[Lanes]) -> list[Lanes]:
            x, y = (code.load(place) for place in pair(a))
            return [x.times(x, sums[0]), y.times(y, sums[1]), x.times(y, sums[2])]

        xx, yy, xy = code.fold(columns, [zero] * 3, products)
        size = xx.sqrt() * yy.sqrt()
        oblique = code.call("fabs", xy) > size * code.constant(np.finfo(float).eps)
        # The smaller angle that makes them orthogonal, by its tangent.
        zeta = (yy - xx) / (xy + xy)
        tangent = one.with_sign_of(zeta) / (code.call("fabs", zeta) + zeta.times(zeta, one).sqrt())
        cosine = one / tangent.times(tangent, one).sqrt()
        sine = (cosine * tangent).where(oblique, zero)
        cosine = cosine.where(oblique, one)
        with code.loop(0, columns) as a:
            first, second = pair(a)
            x, y = code.load(first), code.load(second)
            code.store(cosine.times(x, -(sine * y)), first)
            code.store(sine.times(x, cosine * y), second)
        place = code.place(rotated)
        code.store(one.where(oblique, code.load(place)), place)

    return Kernel(rows * columns + 1, write)
