"""Matrices with a given spectrum."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.matrices.source import Data, Drawn, check_size


class Spectrum(Drawn):
    """Given singular values, or eigenvalues of either sign with `symmetric`, in Haar-random bases."""

    name, label = "spectrum", "matrix with a given spectrum"
    parameters = {
        "rows": Drawn.parameters["rows"],
        "columns": Drawn.parameters["columns"],
        "values": Parameter("singular values that Y is given, or eigenvalues if it is symmetric", vector=True),
        "symmetric": Drawn.parameters["symmetric"],
    }

    @staticmethod
    def draw(rng: np.random.Generator, rows: int, columns: int, values: ArrayLike, symmetric: bool = False) -> Data:
        """One matrix; where there are fewer than min(rows, columns) values, the others are zero."""
        values = np.asarray(values, dtype=np.float64)
        left = _haar(rng, rows)[:, : values.size]
        if symmetric:
            matrix = left * values @ left.T
            return Data((matrix + matrix.T) / 2.0)
        right = _haar(rng, columns)[:, : values.size]
        return Data(left * values @ right.T)

    @staticmethod
    def check(*, rows: int, columns: int, values: list[float], symmetric: bool = False) -> None:
        Drawn.check(rows=rows, columns=columns, symmetric=symmetric)
        size = min(rows, columns)
        if len(values) > size:
            raise Refused("values", f"{len(values)} values do not fit a matrix whose smaller side is {size}")
        if min(values) < 0 and not symmetric:
            raise Refused("values", f"singular values are >= 0, not {min(values)}; eigenvalues need symmetric: true")
        if not any(values):
            raise Refused("values", "all values are 0, and the relative error of a zero matrix is undefined")
        check_size("values", max(map(abs, values)))

    @staticmethod
    def expected_norm(*, values: list[float], **_: Any) -> float:
        return float(np.max(np.abs(values)))


def _haar(rng: np.random.Generator, size: int) -> Array:
    """A random orthogonal matrix, drawn as `scipy.stats.ortho_group` does, which takes a second to load."""
    # SciPy's group starts at size 2; the orthogonal 1 x 1 matrices are the two signs.
    if size == 1:
        return rng.choice([-1.0, 1.0], (1, 1))
    basis, triangle = np.linalg.qr(rng.standard_normal((size, size)))
    return basis * np.copysign(1.0, np.diagonal(triangle))
