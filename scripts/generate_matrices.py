"""Draw or read the data matrices of one experiment."""

from itertools import islice

from linear_networks_workflow import logs, provenance
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import matrices

# Matrices in a row group: a job that needs some of them reads no others.
BLOCK = 1000

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        parquet.forgo_pandas()
        experiment = snakemake.wildcards.experiment
        keys = ("seed", "replicates", "points", "folder")
        rows = matrices.generate(experiment, *(snakemake.params[key] for key in keys))
        metadata = provenance.metadata(snakemake.config, snakemake.output[0])
        with parquet.writing(snakemake.output[0], parquet.MATRICES, metadata) as add:
            while block := list(islice(rows, BLOCK)):
                add(parquet.table(block, parquet.MATRICES))
