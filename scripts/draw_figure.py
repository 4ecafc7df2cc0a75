"""Draw one figure as SVG, PDF and PNG, and write its caption with the numbers that support it."""

import json
from pathlib import Path

from linear_networks_workflow import figures, logs
from linear_networks_workflow.dataset import seals
from linear_networks_workflow.dataset.replacing import replacing
from linear_networks_workflow.figures import drawing, planning, reading, style

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        seals.check(snakemake.input, snakemake.config)
        with drawing.named(snakemake.wildcards.figure):
            figure = json.loads(snakemake.params.figure)
            kind, options = figures.KINDS[figure["kind"]], figures.options_of(figure)
            tables = reading.read(snakemake.input, kind.columns(options, figure["where"]), figure["where"])
            style.apply(snakemake.params.looks, snakemake.params.symbols)
            drawn = kind.draw(tables, **options)
            for path in map(Path, (snakemake.output.svg, snakemake.output.pdf, snakemake.output.png)):
                with replacing(path) as temporary:
                    drawn.savefig(temporary, format=path.suffix[1:], metadata=drawing.metadata(kind, path.suffix))
            with replacing(snakemake.output.caption) as temporary:
                made_from = planning.made_from(snakemake.config, snakemake.wildcards.figure)
                temporary.write_text(drawing.caption(kind, kind.numbers(tables, **options), made_from))
