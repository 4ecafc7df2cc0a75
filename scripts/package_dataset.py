"""Write the dataset as one archive."""

from pathlib import Path

import yaml

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import archive, citation, seals
from linear_networks_workflow.dataset.replacing import replacing

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), replacing(snakemake.output[0]) as temporary:
        files, cited = snakemake.input.files, snakemake.input.citation
        seals.check(files, snakemake.config)
        texts = {
            "README.md": archive.readme(files, citation.read(cited)),
            "CITATION.cff": Path(cited).read_text(encoding="utf-8"),
            "config.yaml": yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True, width=120),
        }
        folder = Path(snakemake.input.card).parents[1]
        archive.write(temporary, [*files, snakemake.input.card], folder, texts)
