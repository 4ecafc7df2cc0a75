"""Check a config by itself, of the files that are named, as the workflow does before any job.

Of a file that is no YAML it says where; Snakemake, which reads files before the workflow starts, does not.
"""

import sys
from pathlib import Path
from typing import Any

from linear_networks_workflow import config as configuration
from linear_networks_workflow.config import parts
from linear_networks_workflow.config.reading import read

if __name__ == "__main__":
    files = [Path(file) for file in sys.argv[1:]]
    if not files:
        sys.exit("Name the files of a config: python -m linear_networks_workflow.config my.yaml")
    config: dict[str, Any] = {}
    with configuration.ending():
        for file in files:
            parts.merge(config, read(file))
        for warning in configuration.load(config, files[0], files, {}):
            print(warning)
    print(f"{' '.join(sys.argv[1:])}: nothing is wrong.")
