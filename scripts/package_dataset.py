"""Write the dataset as one archive."""

from pathlib import Path

import yaml

from experiments import archive, citation, datasets, logs

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), datasets.replacing(snakemake.output[0]) as temporary:
        files, cited = snakemake.input.files, snakemake.input.citation
        texts = {
            "README.md": archive.readme(files, citation.read(cited)),
            "CITATION.cff": Path(cited).read_text(encoding="utf-8"),
            "config.yaml": yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True, width=120),
        }
        archive.write(temporary, [*files, snakemake.input.card], texts)
