"""Configs with faults, given to Snakemake itself: it plans or refuses them as validation does."""

import pytest
from fuzzing import FILES, faulty, judged, streams


@pytest.mark.drawn
def test_snakemake_plans_or_refuses_a_config_with_faults_as_validation_does(snakemake, write_config, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    for config in map(faulty, streams(0, 2, 40)):
        print(config)
        verdict = judged(config, tmp_path)
        if verdict == "long":
            continue
        finished = snakemake("--dry-run", "--configfile", write_config(config))
        assert "Traceback" not in finished.stderr
        assert finished.returncode == (verdict == "refused"), finished.stderr
        assert (verdict == "refused") == any(line.startswith("my.yaml: ") for line in finished.stderr.splitlines())
