"""The libraries that figures are drawn with, each loaded when it is first used.

Planning asks kinds of figures what they need and does not wait for what draws them.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["mpl", "np", "pa", "pd", "plt", "sns"]


class _Lazy(ModuleType):
    """Stands for the module of its name."""

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self.__name__), attribute)


if TYPE_CHECKING:
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import seaborn as sns
else:
    names = ("matplotlib", "matplotlib.pyplot", "numpy", "pandas", "pyarrow", "seaborn")
    mpl, plt, np, pd, pa, sns = map(_Lazy, names)
