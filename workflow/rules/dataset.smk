# What made the data; figures are not part of it.
MADE_BY = {key: config[key] for key in ("seed", "runs_per_job", "experiments")}


rule describe_dataset:
    """List every file with its checksum, and every column with its meaning, as Croissant metadata."""
    input:
        files=grid.dataset_files(config),
        citation=os.path.relpath(Path(workflow.basedir, "CITATION.cff")),
        code=sources.of("describe_dataset.py"),
    output:
        "results/croissant.json",
    log:
        "logs/describe_dataset.log",
    benchmark:
        "logs/describe_dataset.tsv"
    conda:
        "../envs/gradflow.yaml"
    params:
        config=MADE_BY,
    script:
        "../../scripts/describe_dataset.py"


rule package:
    """Put the dataset with its card, config and a README into one archive."""
    input:
        files=grid.dataset_files(config),
        card="results/croissant.json",
        citation=os.path.relpath(Path(workflow.basedir, "CITATION.cff")),
        code=sources.of("package_dataset.py"),
    output:
        "results/dataset.zip",
    log:
        "logs/package.log",
    benchmark:
        "logs/package.tsv"
    conda:
        "../envs/gradflow.yaml"
    params:
        config=MADE_BY,
    script:
        "../../scripts/package_dataset.py"


rule verify:
    """Check a dataset against its card, and recompute some of its runs; without a card, the dataset is made first."""

    # No other input: what is there is checked as it is, never brought up to date before.
    input:
        card=[] if Path("results/croissant.json").exists() else "results/croissant.json",
    log:
        "logs/verify.log",
    conda:
        "../envs/gradflow.yaml"
    params:
        runs=config["runs_to_verify"],
    script:
        "../../scripts/verify_dataset.py"
