rule draw_figure:
    """Draw one figure of one experiment."""
    input:
        unpack(lambda wildcards: planning.files(config, wildcards.figure)),
    output:
        svg=report(
            "results/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=lambda wildcards: figures.KINDS[config["figures"][wildcards.figure]["kind"]].section,
            labels={"figure": "{figure}"},
        ),
        pdf="results/figures/{figure}.pdf",
        png="results/figures/{figure}.png",
        caption="results/figures/{figure}.rst",
    log:
        local(LOGS / "draw_figure/{figure}.log"),
    benchmark:
        local(LOGS / "draw_figure/{figure}.tsv")
    conda:
        "../envs/implicit-acceleration.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: attempt * memory.AGGREGATING,
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        # The report shows it: as JSON that holds no markup, whatever text a config has.
        figure=lambda wildcards: str(htmlsafe_json_dumps(config["figures"][wildcards.figure])),
        looks=lambda wildcards: planning.looks(config, wildcards.figure),
        symbols=lambda wildcards: planning.symbols(config, wildcards.figure),
        code=lambda wildcards: sources.digest("draw_figure", planning.module(config, wildcards.figure), words=True),
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
