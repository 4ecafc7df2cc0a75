"""The dataset's name, licence and citation, from CITATION.cff and to what readers of a dataset understand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

NAME = "implicit-acceleration"
TITLE = "Gradient flow in overparameterized linear models: trajectories"
DESCRIPTION = (
    "Trajectories of gradient descent and gradient flow in overparameterized linear models, with their starts, data "
    "matrices, convergence rates beside theory and best λ₀, computed from one config file. Every run can be recomputed "
    "from its row."
)
KEYWORDS = ["gradient flow", "gradient descent", "overparameterization", "linear networks", "implicit acceleration"]
# Of the numbers; the code that computes them is under the licence that CITATION.cff names.
LICENCE = "CC-BY-4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"


def read(path: str | Path) -> dict[str, Any]:
    """Content of CITATION.cff."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def bibtex(citation: Mapping[str, Any]) -> str:
    """BibTeX entry of the paper that CITATION.cff prefers to be cited."""
    paper = citation["preferred-citation"]
    authors = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    key = f"{paper['authors'][0]['family-names'].lower()}{paper['year']}"
    return (
        f"@inproceedings{{{key},\n  title = {{{paper['title']}}},\n  author = {{{authors}}},\n"
        f"  booktitle = {{{paper['collection-title']}}},\n  year = {{{paper['year']}}}\n}}"
    )
