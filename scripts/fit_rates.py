"""Measure and predict the convergence rates of one chunk of runs, one row group after the other."""

from experiments import datasets, grid, logs, rate_fits

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit rates") as progress:
        provenance = grid.provenance(snakemake.config, snakemake.wildcards.experiment)
        with datasets.writing(snakemake.output[0], datasets.RATES, provenance) as add:
            for runs, trajectories, matrices, share in datasets.blocks(snakemake.input, progress):
                add(rate_fits.fit(runs, trajectories, matrices, share))
