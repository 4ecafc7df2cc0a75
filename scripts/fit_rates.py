"""Measure and predict the convergence rates of one chunk of runs, one row group after the other."""

from linear_networks_workflow import logs, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.stages import chunks, rate_fits

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("fit rates") as progress:
        parquet.forgo_pandas()
        seals.check(snakemake.input, snakemake.config)
        metadata = provenance.metadata(snakemake.config, snakemake.output[0])
        with parquet.writing(snakemake.output[0], parquet.RATES, metadata) as add:
            for runs, trajectories, matrices, share in chunks.blocks(snakemake.input, progress):
                add(rate_fits.fit(runs, trajectories, matrices, share))
