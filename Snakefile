import json
import os
import sys
import time
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.13")
sys.path.insert(0, str(Path(workflow.basedir, "scripts")))
from experiments import checks, config as configuration, costs, figures, grid, sources, summary

STARTED = time.time()

# The paper's experiments, unless the user brings others: Snakemake would merge the two.
if not workflow.overwrite_configfiles:

    configfile: Path(workflow.basedir, "config.yaml")


# Relative, so that a moved or copied project does not look changed.
CONFIG_FILE = Path(os.path.relpath(workflow.configfiles[-1]))
try:
    configuration.check_writable(Path("results"))
    for warning in configuration.prepare(config, CONFIG_FILE):
        logger.warning(f"{CONFIG_FILE.name}: {warning}")
except configuration.ConfigError as error:
    sys.exit(f"{CONFIG_FILE.name}: {error}")
COSTS = {name: costs.Costs.of(experiment, CONFIG_FILE.parent) for name, experiment in config["experiments"].items()}


report: "workflow/report/workflow.rst"


wildcard_constraints:
    experiment="|".join(config["experiments"]),
    figure="|".join(config["figures"]),


include: "workflow/rules/matrices.smk"
include: "workflow/rules/trajectories.smk"
include: "workflow/rules/lambda0.smk"
include: "workflow/rules/rates.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.trajectories.input,
        rules.tables.input,
        rules.figures.input,


onsuccess:
    logger.info(summary.summarize(STARTED, workflow.cores))
