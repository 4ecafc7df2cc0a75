"""Simulate one chunk of runs, block by block: memory does not grow with the chunk."""

from contextlib import ExitStack

from linear_networks_workflow import grid, logs, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.dataset.parquet import RUNS, TRAJECTORIES
from linear_networks_workflow.stages import simulation

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    files, experiment = dict(snakemake.output.items()), snakemake.wildcards.experiment
    with logs.to(snakemake.log[0]), logs.progress("simulate") as progress:
        parquet.forgo_pandas()
        seals.check(snakemake.input, snakemake.config)
        blocks = simulation.simulate_blocks(
            list(grid.runs(experiment, snakemake.wildcards.dynamics, snakemake.params.seed, snakemake.params.points)),
            snakemake.input.matrices,
            snakemake.params.record,
            parquet.fitted(snakemake.input.lambda0),
            snakemake.resources.mem_mb,
            progress,
            "trajectories" in files,
        )
        # Of the same runs, hence the same.
        metadata = provenance.metadata(snakemake.config, files["runs"])
        with ExitStack() as open_files:
            schemas = {"runs": RUNS, "trajectories": TRAJECTORIES}
            adding = {
                stage: open_files.enter_context(parquet.writing(file, schemas[stage], metadata))
                for stage, file in files.items()
            }
            for block in blocks:
                for stage, table in zip(schemas, block, strict=True):
                    if stage in adding:
                        adding[stage](table)
