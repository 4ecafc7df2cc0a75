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
if FILES:
    TIDY += ["--configfile", *map(os.path.abspath, FILES)]
if workflow.config_settings.config:
    TIDY += [
        "--config",
        *(f"{key}={configuration.text(value)}" for key, value in workflow.config_settings.config.items()),
    ]

ASKED = {*sys.argv}
# The paper's config, where none is given, would remove the results of every other.
if rules.tidy.rule.name in ASKED and IS_DEFAULT and Path(FILES[0]).parent != Path():
    sys.exit("tidy: name the config whose results shall stay: snakemake tidy --configfile my.yaml")
# A dataset that is verified as it lies there may be of any config.
if workflow.is_main_process and rules.verify.rule.name not in ASKED:
    strangers = places.strangers(config, RESULTS)
    if rules.tidy.rule.name in ASKED:
        for file in (*strangers.unmade, *strangers.of_another):
            logger.info(f"Not of the config: {file}")
    else:
        for notice in places.notices(strangers, shlex.join(TIDY)):
            logger.warning(notice)
