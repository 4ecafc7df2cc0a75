import json
import os
import shlex
import sys
import time
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.13")

# Not `workflow.basedir`: in a module, that is the folder of the Snakefile that uses it. Relative, so that a moved or
# copied project does not look changed.
HOME = Path(os.path.relpath(workflow.current_basedir.get_path_or_uri(secret_free=True)))
sys.path.insert(0, str(HOME.absolute() / "scripts"))
from linear_networks_workflow import config as configuration, costs, figures, grid, jobs, places, sources, summary
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import planning

STARTED = time.time()

# Below the prefix that a workflow which uses this one as a module gives it. Snakemake itself does not give it to logs,
# which are local also where results are stored elsewhere.
RESULTS, LOGS = (Path(workflow.modifier.path_modifier.replace_prefix(folder)) for folder in ("results", "logs"))

# The paper's experiments, unless the user brings others: Snakemake would merge the two. A module that is given a config
# reads none.
if not workflow.overwrite_configfiles:

    configfile: HOME / "config.yaml"


# Paths in the config start at its file; a config that is a dict is taken for a file in the working directory.
CONFIG_FILE = Path(os.path.relpath(workflow.configfiles[-1] if workflow.configfiles else "config"))
try:
    for warning in configuration.prepare(config, CONFIG_FILE):
        logger.warning(f"{CONFIG_FILE.name}: {warning}")
except configuration.ConfigError as error:
    sys.exit(f"{CONFIG_FILE.name}: {error}")
if workflow.is_main_process:
    try:
        places.check([LOGS / "verify.log", *(RESULTS.parent / file for file in places.files(config))])
    except InputError as error:
        sys.exit(str(error))
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
include: "workflow/rules/tidy.smk"


rule all:
    default_target: True
    input:
        rules.trajectories.input,
        rules.tables.input,
        rules.figures.input,


onsuccess:
    logger.info(summary.summarize(STARTED, workflow.cores, LOGS))
