"""Fit the best lambda0 to every run of one chunk of the asymmetric dynamics."""

from linear_networks_workflow import logs, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.stages import chunks, lambda0_fits

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit lambda0") as progress:
        parquet.forgo_pandas()
        seals.check(snakemake.input, snakemake.config)
        metadata = provenance.metadata(snakemake.config, snakemake.output[0])
        with parquet.writing(snakemake.output[0], parquet.LAMBDA0, metadata) as add:
            for runs, trajectories, matrices, share in chunks.blocks(snakemake.input, progress):
                add(lambda0_fits.fit(runs, trajectories, matrices, share))
