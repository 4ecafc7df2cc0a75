# Names of the experiments that keep trajectories, and of those that do not, as patterns; no name matches "(?!)".
KEEPING, LEAVING = (
    "|".join(name for name, experiment in config["experiments"].items() if grid.keeps_trajectories(experiment) is kept)
    or "(?!)"
    for kept in (True, False)
)


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
    wildcard_constraints:
        experiment=KEEPING,
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


use rule simulate as simulate_rows with:
    output:
        runs="results/runs/{experiment}/{dynamics}/{chunk}.parquet",
    wildcard_constraints:
        experiment=LEAVING,


rule trajectories:
    """Every run, with its trajectory where that is kept."""
    input:
        grid.files(config, "runs"),
        grid.files(config, "trajectories"),
