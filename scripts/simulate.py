"""Simulate one chunk of runs."""

from experiments import datasets, grid, logs, simulation

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("simulate") as progress:
        experiment, dynamics = snakemake.wildcards.experiment, snakemake.wildcards.dynamics
        runs, trajectories = simulation.simulate(
            list(grid.runs(experiment, dynamics, snakemake.params.seed, snakemake.params.points)),
            datasets.matrices(datasets.read(snakemake.input.matrices)),
            snakemake.params.record,
            datasets.fitted(snakemake.input.lambda0),
            progress,
        )
        provenance = grid.provenance(snakemake.config, experiment)
        datasets.write(runs, snakemake.output.runs, provenance)
        datasets.write(trajectories, snakemake.output.trajectories, provenance)
