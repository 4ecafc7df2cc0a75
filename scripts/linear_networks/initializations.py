"""Starting factors R(0) = [U(0); V(0)], and the invariants that they fix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linear_networks.models import gauge

Array = NDArray[np.float64]


class Modes(NamedTuple):
    """A spectral start in the singular basis of Y, in the order in which `closed_forms.asymmetric_spectral` takes it.

    Attributes
    ----------
    left, right : ndarray, shapes (..., m, p) and (..., n, p)
        Singular vectors of Y; p = min(m, n).
    singular_values, products, imbalances : ndarray, shape (..., p)
        sigma_i of Y, x_i(0) = u_i v_i and lambda_{0,i} = u_i^2 - v_i^2.
    """

    left: Array
    singular_values: Array
    right: Array
    products: Array
    imbalances: Array


@dataclass(frozen=True)
class Start:
    """Starting factors, and what is known of them beyond their numbers.

    Attributes
    ----------
    factors : ndarray, shape (..., m + n, w)
        R(0).
    lambda0 : float or ndarray, shape (...), or None
        Where Q(0) = lambda0 I by construction.
    modes : Modes or None
        Where the start is spectral.
    """

    factors: Array
    lambda0: float | Array | None = None
    modes: Modes | None = None

    def reduced(self) -> "Start":
        """The same start with gauge-reduced factors."""
        return Start(gauge.reduce(self.factors)[0], self.lambda0, self.modes)


def stack(starts: Sequence[Start]) -> Start:
    """One start of a batch of runs, all of one kind and shape."""
    first = starts[0]
    known = [start.lambda0 for start in starts if start.lambda0 is not None]
    lambda0 = np.array(known) if len(known) == len(starts) else None
    modes = None
    if first.modes is not None:
        modes = Modes(
            *(np.stack(parts) for parts in zip(*(start.modes for start in starts if start.modes), strict=True))
        )
    return Start(np.stack([start.factors for start in starts]), lambda0, modes)


def draw(kind: str, rng: np.random.Generator, data: Array, width: int, *, tied: bool = False, **options: Any) -> Start:
    """Start of a run of any kind.

    Parameters
    ----------
    kind : {"gaussian", "balanced", "rescaled", "identity", "spectral"}
    rng : numpy.random.Generator
    data : ndarray, shape (m, n)
        Y; all but spectral starts use its shape only.
    width : int
        k.
    tied : bool
        Start with V = U, as the symmetric model does; for Gaussian and spectral starts.
    **options
        Those of the kind: `scale`, `imbalance`, `products`.

    Returns
    -------
    Start
        With factors of shape (m + n, k). One of width 1 has Q(0) = lambda0 I, of whatever kind it is.
    """
    start = _draw(kind, rng, data, width, tied, **options)
    if width > 1 or start.lambda0 is not None:
        return start
    left, right = _split(start.factors[:, 0], len(data))
    return replace(start, lambda0=float(left @ left - right @ right))


def _draw(kind: str, rng: np.random.Generator, data: Array, width: int, tied: bool, **options: Any) -> Start:
    rows, columns = data.shape
    match kind, tied:
        case "gaussian", True:
            return gaussian_tied(rng, rows, width, **options)
        case "gaussian", False:
            return gaussian(rng, rows, columns, width, **options)
        case "balanced", False:
            return balanced(rng, rows, columns, width, **options)
        case "rescaled", False:
            return rescaled(rng, rows, columns, width, **options)
        case "identity", False:
            return identity(rng, rows, columns, width, **options)
        case "spectral", _:
            products = options.get("products")
            if products is None:
                products = options["scale"] * np.abs(rng.standard_normal(min(rows, columns)))
            return spectral(data, width, products, options["imbalance"], symmetric=tied)
    raise ValueError(f"no {'tied ' * tied}start of kind {kind!r}")


def gaussian(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float) -> Start:
    """Factors with independent normal entries of standard deviation `scale`.

    The draw is made column by column: a smaller width gives the first columns of a larger one.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns, width : int
        m, n and k.
    scale : float
        Standard deviation, >= 0.

    Returns
    -------
    Start
        With factors of shape (m + n, k).
    """
    return Start(scale * rng.standard_normal((width, rows + columns)).T)


def gaussian_tied(rng: np.random.Generator, rows: int, width: int, scale: float) -> Start:
    """Gaussian factors with V = U, the start of the symmetric model: X(0) = U U^T, and Q = 0.

    U is that of `gaussian`. Returns a Start with factors of shape (2 m, k).
    """
    left = gaussian(rng, rows, rows, width, scale).factors[:rows]
    return Start(np.concatenate([left, left]), lambda0=0.0)


def balanced(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float) -> Start:
    """Factors with Q = 0 and the product X(0) of the Gaussian start of the same draw.

    With U V^T = A D C^T of the Gaussian factors, they are A D^{1/2} and C D^{1/2} (Definition 2 with epsilon = 0).
    """
    left, right = _split(gaussian(rng, rows, columns, width, scale).factors, rows)
    basis, values, cobasis = np.linalg.svd(left @ right.T, full_matrices=False)
    factors = np.concatenate([basis, cobasis.T]) * np.sqrt(values)
    kept = min(width, len(values))
    return Start(np.pad(factors[:, :kept], ((0, 0), (0, width - kept))), lambda0=0.0)


def rescaled(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float, imbalance: float) -> Start:
    """Factors (a U, V / a) of the balanced start, with a such that ||Q||_2 = `imbalance` >= 0; X(0) does not change.

    Balanced factors have U^T U = V^T V = M, so that Q = (a^2 - a^{-2}) M.

    Raises
    ------
    ValueError
        If X(0) = 0: then ||Q||_2 stays 0.
    """
    left, right = _split(balanced(rng, rows, columns, width, scale).factors, rows)
    norm = np.linalg.norm(left, 2) ** 2
    if imbalance == 0.0:
        return Start(np.concatenate([left, right]), lambda0=0.0)
    if norm == 0.0:
        raise ValueError("a start with X(0) = 0 cannot be rescaled to an imbalance")
    square = imbalance / norm / 2 + np.hypot(imbalance / norm / 2, 1.0)
    return Start(np.concatenate([np.sqrt(square) * left, right / np.sqrt(square)]))


def identity(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float, imbalance: float) -> Start:
    """Factors with Q = lambda0 I_k, lambda0 = `imbalance`; the narrower of the two is that of the Gaussian start.

    For lambda0 > 0, U = A (V^T V + lambda0 I)^{1/2} with A orthonormal, which needs k <= m; for lambda0 < 0 likewise
    with U and V exchanged, which needs k <= n; lambda0 = 0 is the balanced start.

    Raises
    ------
    ValueError
        If k is too large for the sign of lambda0 (22).
    """
    if imbalance == 0.0:
        return balanced(rng, rows, columns, width, scale)
    limit = rows if imbalance > 0 else columns
    if width > limit:
        raise ValueError(f"Q = {imbalance} I of size {width} is not realizable: its rank is at most {limit}")
    drawn = _split(gaussian(rng, rows, columns, width, scale).factors, rows)
    free, fixed = drawn if imbalance > 0 else drawn[::-1]
    basis = np.linalg.qr(free if scale > 0 else np.eye(*free.shape))[0]
    values, vectors = np.linalg.eigh(fixed.T @ fixed)
    grown = basis @ (vectors * np.sqrt(values + abs(imbalance)) @ vectors.T)
    return Start(np.concatenate([grown, fixed] if imbalance > 0 else [fixed, grown]), lambda0=imbalance)


def spectral(data: Array, width: int, products: ArrayLike, imbalance: ArrayLike, symmetric: bool = False) -> Start:
    """Factors that are diagonal in the singular basis of Y (Definitions 1 and 3, at G = I).

    Parameters
    ----------
    data : ndarray, shape (m, n)
        Y = Phi Sigma Psi^T.
    width : int
        k. Where k < p = min(m, n), the modes past the k-th start at 0 and stay there.
    products : array_like, shape (p,)
        x_i(0) = u_i v_i, for the singular values of Y in descending order.
    imbalance : array_like, shape () or (p,)
        lambda_{0,i} = u_i^2 - v_i^2.
    symmetric : bool
        Use the eigenbasis of Y, eigenvalues descending, for both factors.

    Returns
    -------
    Start
        With factors of shape (m + n, k).
    """
    rows, columns = data.shape
    size = min(rows, columns)
    if symmetric:
        values, left = (part[..., ::-1] for part in np.linalg.eigh(data))
        right = left
    else:
        left, values, right = np.linalg.svd(data, full_matrices=False)
        right = right.T
    kept = np.arange(size) < width
    x = np.where(kept, products, 0.0)
    gap = np.where(kept, imbalance, 0.0)
    # The larger of u_i and |v_i| by a sum, the other by x_i = u_i v_i: a difference would lose its digits.
    larger = np.sqrt((np.abs(gap) + np.hypot(gap, 2.0 * x)) / 2.0)
    smaller = np.where(gap == 0.0, np.sign(x) * larger, x / np.where(larger > 0.0, larger, 1.0))
    u, v = np.where(gap >= 0, larger, smaller), np.where(gap >= 0, smaller, larger)
    factors = np.concatenate([left * u, right * v])[:, :width]
    factors = np.pad(factors, ((0, 0), (0, width - factors.shape[1])))
    # Eigenvalues can be negative: then the modes are not those of a singular basis, but the start is balanced.
    modes = None if symmetric else Modes(left, values, right, x, gap)
    return Start(factors, lambda0=None if np.any(gap) else 0.0, modes=modes)


def invariants(factors: Array, rows: int, widths: NDArray[np.integer]) -> dict[str, Array]:
    """Quantities of the start that gradient flow conserves, and the rank of X(0).

    Parameters
    ----------
    factors : ndarray, shape (batch, m + n, w)
        R(0), possibly gauge-reduced to w columns.
    rows : int
        m.
    widths : ndarray of int, shape (batch,)
        k of each run. Where k > w, the imbalance has k - w further eigenvalues, all zero.

    Returns
    -------
    dict of ndarray, each with a leading axis over the batch
        `imbalance_norm` ||Q||_F, `imbalance_min` and `imbalance_max` the extreme eigenvalues of Q = U^T U - V^T V (11),
        `imbalance_eigenvalues` those of the reduced Q, descending, `rank` of R, and `product_rank` of X.
    """
    left, right = factors[:, :rows], factors[:, rows:]
    eigenvalues = np.linalg.eigvalsh(left.mT @ left - right.mT @ right)
    lowest, highest = eigenvalues[:, 0], eigenvalues[:, -1]
    reduced = widths > factors.shape[-1]
    return {
        "imbalance_norm": np.linalg.norm(eigenvalues, axis=1),
        "imbalance_min": np.where(reduced, np.minimum(lowest, 0.0), lowest),
        "imbalance_max": np.where(reduced, np.maximum(highest, 0.0), highest),
        "imbalance_eigenvalues": eigenvalues[:, ::-1],
        "rank": np.linalg.matrix_rank(factors),
        "product_rank": np.linalg.matrix_rank(left @ right.mT),
    }


def _split(factors: Array, rows: int) -> tuple[Array, Array]:
    return factors[:rows], factors[rows:]
