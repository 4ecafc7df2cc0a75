"""Write the dataset's Croissant card."""

import json
import logging
from pathlib import Path

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import card, citation, seals
from linear_networks_workflow.dataset.replacing import replacing

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), replacing(snakemake.output[0]) as temporary:
        # Mistakes are raised; its warnings are about a date and an address, which a publisher adds to CITATION.cff.
        logging.getLogger("absl").setLevel(logging.ERROR)
        seals.check(snakemake.input.files, snakemake.config)
        folder = str(Path(snakemake.output[0]).parent)
        cited = citation.read(snakemake.input.citation)
        described = card.describe(snakemake.input.files, folder, cited, snakemake.params.config)
        temporary.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
