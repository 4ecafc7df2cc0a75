"""The square root of a sum of squares that neither overflow nor vanish, as those of numba's own may."""

import numpy as np

from linear_networks.kernels.compiled import ordered


@ordered
def hypotenuse(a: float, b: float) -> float:
    """sqrt(a^2 + b^2)."""
    larger, smaller = max(abs(a), abs(b)), min(abs(a), abs(b))
    if larger == 0:
        return 0.0
    ratio = smaller / larger
    return larger * np.sqrt(1 + ratio * ratio)
