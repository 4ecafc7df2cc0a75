"""Simulate one chunk of runs, block by block: memory does not grow with the chunk."""

from linear_networks_workflow import grid, logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.parquet import RUNS, TRAJECTORIES
from linear_networks_workflow.stages import simulation

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    files, experiment = snakemake.output, snakemake.wildcards.experiment
    with logs.to(snakemake.log[0]), logs.progress("simulate") as progress:
        blocks = simulation.simulate_blocks(
            list(grid.runs(experiment, snakemake.wildcards.dynamics, snakemake.params.seed, snakemake.params.points)),
            snakemake.input.matrices,
            snakemake.params.record,
            parquet.fitted(snakemake.input.lambda0),
            snakemake.resources.mem_mb,
            progress,
        )
        provenance = grid.provenance(snakemake.config, experiment)
        with (
            parquet.writing(files.runs, RUNS, provenance) as add_runs,
            parquet.writing(files.trajectories, TRAJECTORIES, provenance) as add_trajectories,
        ):
            for runs, trajectories in blocks:
                add_runs(runs)
                add_trajectories(trajectories)
