# What made the data; figures are not part of it.
MADE_BY = {key: config[key] for key in ("seed", "experiments")}


rule describe_dataset:
    """List every file with its checksum, and every column with its meaning, as Croissant metadata."""
    input:
        files=grid.dataset_files(config),
        citation=local(str(HOME / "CITATION.cff")),
    output:
        "results/croissant.json",
    log:
        local(LOGS / "describe_dataset.log"),
    benchmark:
        local(LOGS / "describe_dataset.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        config=MADE_BY,
        code=jobs.dataset("describe_dataset"),
    script:
        "../../scripts/describe_dataset.py"


rule package:
    """Put the dataset with its card, config and a README into one archive."""
    input:
        files=grid.dataset_files(config),
        card="results/croissant.json",
        citation=local(str(HOME / "CITATION.cff")),
    output:
        "results/dataset.zip",
    log:
        local(LOGS / "package.log"),
    benchmark:
        local(LOGS / "package.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        config=MADE_BY,
        code=jobs.dataset("package_dataset"),
    script:
        "../../scripts/package_dataset.py"


rule verify:
    """Check a dataset against its card, and recompute some of its runs; without a card, the dataset is made first."""

    # No other input: what is there is checked as it is, never brought up to date before.
    input:
        card=[] if (RESULTS / "croissant.json").exists() else "results/croissant.json",
    log:
        local(LOGS / "verify.log"),
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        folder=str(RESULTS.parent),
        runs=config["runs_to_verify"],
    script:
        "../../scripts/verify_dataset.py"
