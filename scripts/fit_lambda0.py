"""Fit the best lambda0 to every run of one chunk of the asymmetric dynamics."""

from experiments import datasets, grid, lambda0_fits, logs

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit lambda0") as progress:
        matrices, runs, trajectories = (
            datasets.read(snakemake.input[name]) for name in ("matrices", "runs", "trajectories")
        )
        fits = lambda0_fits.fit(runs.to_pandas(), trajectories.to_pandas(), datasets.matrices(matrices), progress)
        datasets.write(fits, snakemake.output[0], grid.provenance(snakemake.config, snakemake.wildcards.experiment))
