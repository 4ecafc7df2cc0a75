"""Check a dataset against its card, and compute some of its runs again."""

import logging
from contextlib import chdir

import numpy as np

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import audit

CARD = "results/croissant.json"

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]), logs.progress("verify") as progress:
        with chdir(snakemake.params.folder):
            findings = audit.audit(CARD, snakemake.params.runs, np.random.default_rng(), progress)
        for line in findings.summary():
            logging.info(line)
            print(line)
