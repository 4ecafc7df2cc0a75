rule fit_rates:
    """Measure the convergence rates of one chunk of runs, beside what theory predicts of them."""
    input:
        matrices="results/matrices/{experiment}.parquet",
        runs="results/runs/{experiment}/{dynamics}/{chunk}.parquet",
        trajectories="results/trajectories/{experiment}/{dynamics}/{chunk}.parquet",
    output:
        "results/rates/{experiment}/{dynamics}/{chunk}.parquet",
    log:
        local(LOGS / "fit_rates/{experiment}/{dynamics}/{chunk}.log"),
    benchmark:
        local(LOGS / "fit_rates/{experiment}/{dynamics}/{chunk}.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * COSTS[wildcards.experiment].memory(),
        runtime=lambda wildcards, attempt: attempt
        * COSTS[wildcards.experiment].minutes(COSTS[wildcards.experiment].rates()),
    params:
        code=lambda wildcards: jobs.rates(config["experiments"][wildcards.experiment], wildcards.dynamics),
    script:
        "../../scripts/fit_rates.py"


rule rates:
    """Every measured rate."""
    input:
        grid.files(config, "rates"),


rule tabulate_rates:
    """Aggregate the rates of one experiment over replicates, beside predictions and bounds."""
    input:
        runs=lambda wildcards: grid.files(config, "runs", wildcards.experiment),
        rates=lambda wildcards: grid.files(config, "rates", wildcards.experiment),
        page=local(str(HOME / "workflow" / "report" / "table.html")),
    output:
        "results/tables/{experiment}.parquet",
        multiext("results/summaries/{experiment}", ".csv", ".md", ".tex"),
        report(
            "results/summaries/{experiment}.html",
            caption="../report/table.rst",
            category="2-4 Convergence rates",
            labels={"table of rates": "{experiment}"},
        ),
    log:
        local(LOGS / "tabulate_rates/{experiment}.log"),
    benchmark:
        local(LOGS / "tabulate_rates/{experiment}.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * memory.TABULATING,
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        axes=lambda wildcards: grid.axes(config["experiments"][wildcards.experiment]),
        notes=lambda wildcards: jobs.notes(config["experiments"][wildcards.experiment]),
        code=sources.digest("tabulate_rates", words=True),
    script:
        "../../scripts/tabulate_rates.py"


rule tables:
    """Every table of rates."""
    input:
        grid.files(config, "tables"),
