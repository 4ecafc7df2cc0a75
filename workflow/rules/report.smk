rule report:
    """Gather every figure and table with its caption on one page that opens from disk: Snakemake's own report."""
    input:
        rules.figures.input,
        rules.tables.input,
        captions=local(
            [os.path.relpath(file) for file in sorted(Path(workflow.basedir, "workflow", "report").iterdir())]
        ),
    output:
        "results/report.html",
    log:
        local("logs/report.log"),
    localrule: True
    conda:
        "../envs/gradflow.yaml"
    params:
        # A report is made by another Snakemake, of the same config, which reads and does not lock.
        python=sys.executable,
        snakefile=os.path.relpath(Path(workflow.basedir, "Snakefile")),
        configfile=str(CONFIG_FILE),
        settings=[f"{key}={json.dumps(value)}" for key, value in workflow.config_settings.config.items()],
    shell:
        "{params.python:q} -m snakemake figures tables --cores 1 --report {output:q}.html"
        " --snakefile {params.snakefile:q} --configfile {params.configfile:q} --config {params.settings:q}"
        " > {log:q} 2>&1 && mv {output:q}.html {output:q}"
