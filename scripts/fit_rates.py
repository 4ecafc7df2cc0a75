"""Measure and predict the convergence rates of one chunk of runs."""

from experiments import datasets, grid, logs, rate_fits

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit rates") as progress:
        matrices, runs, trajectories = (
            datasets.read(snakemake.input[name]) for name in ("matrices", "runs", "trajectories")
        )
        fits = rate_fits.fit(runs.to_pandas(), trajectories.to_pandas(), datasets.matrices(matrices), progress)
        datasets.write(fits, snakemake.output[0], grid.provenance(snakemake.config, snakemake.wildcards.experiment))
