"""Fit the best lambda0 to every run of one chunk of the asymmetric dynamics."""

from experiments import datasets, grid, lambda0_fits, logs

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit lambda0") as progress:
        provenance = grid.provenance(snakemake.config, snakemake.wildcards.experiment)
        with datasets.writing(snakemake.output[0], datasets.LAMBDA0, provenance) as add:
            for runs, trajectories, matrices, share in datasets.blocks(snakemake.input, progress):
                add(lambda0_fits.fit(runs, trajectories, matrices, share))
