"""Exponentials at many times, as loops that a compiler turns into vectors."""

import math

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.compiled import ordered

LOG2_E = math.log2(math.e)
SERIES = np.array([math.log(2) ** n / math.factorial(n) for n in range(13, 0, -1)])  # of 2^x - 1, |x| <= 1/2
BIAS, FRACTION = 1023, 52  # the bits of 2^power in double precision are those of power + BIAS, from FRACTION on
VANISHED = -1000  # power of 2 beside 1


@ordered
def exponential(times: Array, rate: float, fraction: Array, power: Array) -> None:
    """Fractions and powers, e^{rate t} = (1 + fraction) 2^power, however large the exponent."""
    left = np.empty(len(times))
    for s, t in enumerate(times):
        rise = rate * t * LOG2_E
        power[s] = np.rint(rise)
        left[s], fraction[s] = rise - power[s], 0.0
    for term in SERIES:
        for s in range(len(times)):
            fraction[s] = (fraction[s] + term) * left[s]


@ordered
def decay(times: Array, rate: float, left: Array, lost: Array) -> None:
    """e^{-rate t} and 1 - e^{-rate t} for a rate of at least 0, each with all its digits."""
    fraction, power, bits = np.empty(len(times)), np.empty(len(times)), np.empty(len(times), np.int64)
    exponential(times, -rate, fraction, power)
    for s in range(len(times)):
        bits[s] = np.int64(max(power[s], -BIAS) + BIAS) << FRACTION
    one = bits.view(np.float64)
    for s in range(len(times)):
        left[s], lost[s] = one[s] + one[s] * fraction[s], (1 - one[s]) - one[s] * fraction[s]
