"""Remove from the results what is not of the config."""

import logging
from pathlib import Path

from linear_networks_workflow import logs, places

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        for file in places.tidy(snakemake.config, Path(snakemake.params.results)):
            logging.info("removed %s", file)
            print(f"removed {file}")
