rule report:
    """Gather every figure and table with its caption on one page that opens from disk: Snakemake's own report."""
    input:
        rules.figures.input,
        rules.tables.input,
        captions=local([str(file) for file in sorted((HOME / "workflow" / "report").iterdir())]),
    output:
        "results/report.html",
    log:
        local(LOGS / "report.log"),
    localrule: True
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        # A report is made by another Snakemake, started as this one was, which reads and does not lock.
        python=sys.executable,
        snakefile=os.path.relpath(workflow.main_snakefile),
        targets=[rules.figures.rule.name, rules.tables.rule.name],
        configfiles=["--configfile", *map(os.path.relpath, workflow.overwrite_configfiles)]
        * bool(workflow.overwrite_configfiles),
        settings=[f"{key}={configuration.text(value)}" for key, value in workflow.config_settings.config.items()],
    shell:
        "{params.python:q} -m snakemake {params.targets:q} --cores 1 --report {output:q}.html"
        " --snakefile {params.snakefile:q} {params.configfiles:q} --config {params.settings:q}"
        " > {log:q} 2>&1 && mv {output:q}.html {output:q}"
