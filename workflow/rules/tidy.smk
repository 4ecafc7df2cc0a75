rule tidy:
    """Remove from the results what the config does not make, and what another config made."""
    log:
        local(LOGS / "tidy.log"),
    localrule: True
    conda:
        "../envs/implicit-acceleration.yaml"
    params:
        results=str(RESULTS),
    script:
        "../../scripts/tidy_results.py"
