"""Which of the project's own files a script uses, so that editing one reruns what depends on it and nothing else."""

import os
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

SCRIPTS = Path(__file__).parents[1]


@cache
def of(script: str) -> list[str]:
    """A script and what it imports, directly or not, as paths relative to the working directory.

    Parameters
    ----------
    script : str
        Path below scripts/.
    """
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / script))
    files = (vars(module)["__file__"] for module in finder.modules.values())
    return sorted(os.path.relpath(file) for file in files if file)
