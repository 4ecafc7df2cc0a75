"""Simulate one chunk of runs, block by block: memory does not grow with the chunk."""

from linear_networks_workflow import grid, logs, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.dataset.parquet import RUNS, TRAJECTORIES
from linear_networks_workflow.stages import simulation

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    files, experiment = snakemake.output, snakemake.wildcards.experiment
    with logs.to(snakemake.log[0]), logs.progress("simulate") as progress:
        seals.check(snakemake.input, snakemake.config)
        blocks = simulation.simulate_blocks(
            list(grid.runs(experiment, snakemake.wildcards.dynamics, snakemake.params.seed, snakemake.params.points)),
            snakemake.input.matrices,
            snakemake.params.record,
            parquet.fitted(snakemake.input.lambda0),
            snakemake.resources.mem_mb,
            progress,
        )
        # Of the same runs, hence the same.
        metadata = provenance.metadata(snakemake.config, files.runs)
        with (
            parquet.writing(files.runs, RUNS, metadata) as add_runs,
            parquet.writing(files.trajectories, TRAJECTORIES, metadata) as add_trajectories,
        ):
            for runs, trajectories in blocks:
                add_runs(runs)
                add_trajectories(trajectories)
