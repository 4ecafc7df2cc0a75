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
from linear_networks_workflow import (
    config as configuration,
    costs,
    figures,
    grid,
    inputs,
    jobs,
    memory,
    places,
    sources,
    summary,
)
from linear_networks_workflow.figures import planning

STARTED = time.time()

# Below the prefix that a workflow which uses this one as a module gives it. Snakemake itself does not give it to logs,
# which are local also where results are stored elsewhere.
RESULTS, LOGS = (Path(workflow.modifier.path_modifier.replace_prefix(folder)) for folder in ("results", "logs"))

# A module that is given a config reads none: its user has. Else the files and the dict that Snakemake is given are the
# config, or, where these have no experiments, that of the working directory or the paper's: Snakemake would merge them.
IS_MODULE = workflow.modifier.parent_modifier is not None
FILES, GIVEN = list(workflow.overwrite_configfiles), workflow.config_settings.config
IS_DEFAULT = not (workflow.modifier.skip_configfile or FILES or "experiments" in GIVEN)
if workflow.modifier.skip_configfile:
    FILES, GIVEN = [], {}
with configuration.ending():
    if IS_DEFAULT:
        # A dataset is verified without the files that the config beside it names.
        FILES = [configuration.default(HOME if IS_MODULE or "verify" in sys.argv else Path(), HOME)]
        logger.info(f"The experiments are those of {FILES[0]}.")

if IS_DEFAULT:

    configfile: FILES[0]


# Where paths start: at the first of several files, which the others change, or the last that the user of a module read;
# a config that is a dict is taken for a file in the working directory.
CONFIG_FILE = Path(os.path.relpath((FILES or workflow.configfiles[-1:] or ["config"])[0]))
with configuration.ending():
    for warning in configuration.load(config, CONFIG_FILE, FILES, GIVEN):
        logger.warning(warning)
    if workflow.is_main_process:
        places.check([LOGS / "verify.log", *(RESULTS.parent / file for file in places.files(config))])
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
