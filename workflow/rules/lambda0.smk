rule fit_lambda0:
    """Find the lambda0 whose Proposition 5 flow is closest to each run of the general flow."""
    input:
        matrices="results/matrices/{experiment}.parquet",
        runs=lambda wildcards: grid.general_file(config, "runs", **wildcards),
        trajectories=lambda wildcards: grid.general_file(config, "trajectories", **wildcards),
    output:
        "results/lambda0/{experiment}/{chunk}.parquet",
    log:
        local(LOGS / "fit_lambda0/{experiment}/{chunk}.log"),
    benchmark:
        local(LOGS / "fit_lambda0/{experiment}/{chunk}.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * COSTS[wildcards.experiment].memory(),
        runtime=lambda wildcards, attempt: attempt
        * COSTS[wildcards.experiment].minutes(COSTS[wildcards.experiment].lambda0()),
    params:
        code=sources.digest("fit_lambda0"),
    script:
        "../../scripts/fit_lambda0.py"


rule lambda0:
    """Every fitted lambda0."""
    input:
        grid.files(config, "lambda0"),
