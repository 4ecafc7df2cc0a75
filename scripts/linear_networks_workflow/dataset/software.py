"""What the last digits of numbers depend on: versions of libraries, the processor, and the BLAS with its kernel."""

import ctypes
from functools import cache
from importlib.metadata import version

from linear_networks.kernels import host

LIBRARIES = ("numpy", "scipy", "llvmlite", "pandas", "pyarrow", "snakemake")

# Name of the function of NumPy's own OpenBLAS that tells which kernel it has chosen for the processor.
_KERNEL = "scipy_openblas_get_corename64_"


@cache
def used() -> dict[str, str]:
    """By name, the version of each library, `processor` as compilers call it, and `blas`; the same in every job."""
    return {name: version(name) for name in LIBRARIES} | {"processor": host.processor(), "blas": _blas()}


def _blas() -> str:
    """Name and version of the BLAS that NumPy calls, and the kernel that it has chosen, where it tells."""
    import numpy as np
    from numpy.linalg import _umath_linalg

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    told = [built.get("name", "unknown"), built.get("version", "")]
    # Symbols of a library are found through the module that is linked to it.
    kernel = getattr(ctypes.CDLL(_umath_linalg.__file__), _KERNEL, None)
    if kernel is not None:
        kernel.restype = ctypes.c_char_p
        told.append(kernel().decode())
    return " ".join(filter(None, told))
