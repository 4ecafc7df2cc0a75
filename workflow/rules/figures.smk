rule draw_figure:
    """Draw one figure of one experiment."""
    input:
        unpack(lambda wildcards: grid.figure_files(config, wildcards.figure)),
        code=sources.of("draw_figure.py"),
        kind=lambda wildcards: sources.of(grid.figure_module(config, wildcards.figure)),
    output:
        multiext("results/figures/{figure}", ".svg", ".pdf", ".png"),
    log:
        "logs/draw_figure/{figure}.log",
    benchmark:
        "logs/draw_figure/{figure}.tsv"
    conda:
        "../envs/gradflow.yaml"
    params:
        figure=lambda wildcards: config["figures"][wildcards.figure],
    script:
        "../../scripts/draw_figure.py"


rule figures:
    """Every figure."""
    input:
        expand("results/figures/{figure}.svg", figure=config["figures"]),


for name in config["figures"]:

    rule:
        name:
            name
        input:
            f"results/figures/{name}.svg",
