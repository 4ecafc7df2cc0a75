rule generate_matrices:
    """Draw or read the data matrices of one experiment."""
    input:
        lambda wildcards: local(grid.input_files(config, wildcards.experiment, CONFIG_FILE.parent)),
    output:
        "results/matrices/{experiment}.parquet",
    log:
        local(LOGS / "generate_matrices/{experiment}.log"),
    benchmark:
        local(LOGS / "generate_matrices/{experiment}.tsv")
    localrule: True
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        seed=config["seed"],
        replicates=lambda wildcards: config["experiments"][wildcards.experiment]["replicates"],
        points=lambda wildcards: grid.matrix_points(config, wildcards.experiment),
        folder=str(CONFIG_FILE.parent),
        # Of a file that an older one took the place of, no time tells.
        contents=lambda wildcards: inputs.contents(config["experiments"][wildcards.experiment], CONFIG_FILE.parent),
        code=lambda wildcards: jobs.matrices(config["experiments"][wildcards.experiment]),
    script:
        "../../scripts/generate_matrices.py"


rule matrices:
    """Every data matrix."""
    input:
        expand("results/matrices/{experiment}.parquet", experiment=config["experiments"]),
