rule tidy:
    """Remove from the results what the config does not make, and what another config made."""
    log:
        local(LOGS / "tidy.log"),
    localrule: True
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        results=str(RESULTS),
    script:
        "../../scripts/tidy_results.py"


# The rule as a command, with the options of this Snakemake.
TIDY = ["snakemake", rules.tidy.rule.name, "--snakefile", workflow.main_snakefile, "--directory", os.getcwd()]
if workflow.overwrite_configfiles:
    TIDY += ["--configfile", *map(os.path.abspath, workflow.overwrite_configfiles)]
if workflow.config_settings.config:
    TIDY += [
        "--config",
        *(f"{key}={configuration.text(value)}" for key, value in workflow.config_settings.config.items()),
    ]

# A dataset that is verified as it lies there may be of any config.
if workflow.is_main_process and not {rules.tidy.rule.name, rules.verify.rule.name} & {*sys.argv}:
    for notice in places.notices(places.strangers(config, RESULTS), shlex.join(TIDY)):
        logger.warning(notice)
