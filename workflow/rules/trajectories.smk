rule simulate:
    """Compute one chunk of one dynamics; every run starts from the same draw as in the other dynamics."""
    input:
        matrices="results/matrices/{experiment}.parquet",
        lambda0=lambda wildcards: grid.fitted_files(config, **wildcards),
    output:
        runs="results/runs/{experiment}/{dynamics}/{chunk}.parquet",
        trajectories="results/trajectories/{experiment}/{dynamics}/{chunk}.parquet",
    log:
        local(LOGS / "simulate/{experiment}/{dynamics}/{chunk}.log"),
    benchmark:
        local(LOGS / "simulate/{experiment}/{dynamics}/{chunk}.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    threads: lambda wildcards: COSTS[wildcards.experiment].threads()
    resources:
        mem_mb=lambda wildcards, attempt: attempt * COSTS[wildcards.experiment].memory(),
        runtime=lambda wildcards, attempt: attempt
        * COSTS[wildcards.experiment].minutes(COSTS[wildcards.experiment].simulation(wildcards.dynamics)),
    params:
        seed=config["seed"],
        points=lambda wildcards: grid.chunk_points(config, **wildcards),
        record=lambda wildcards: grid.record(config, wildcards.experiment, wildcards.dynamics),
        code=lambda wildcards: jobs.simulation(config["experiments"][wildcards.experiment], wildcards.dynamics),
    script:
        "../../scripts/simulate.py"


rule trajectories:
    """Every run."""
    input:
        grid.files(config, "trajectories"),
