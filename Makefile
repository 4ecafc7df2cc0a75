# `make` runs the workflow, `make test` checks the project, `make docs` builds its pages; each first installs what it
# needs into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Live progress bars where there is a terminal to show them.
LIVE := $(shell [ -t 2 ] && echo --logger rich)

.PHONY: all test docs lock

all: .venv/installed
	@echo "Running the workflow on all cores; results go to results/, logs to logs/."
	$(BIN)/snakemake $(LIVE)

test: .venv/installed
	@echo "Checking style, types and workflow, then running the tests."
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html."

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name it: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Installing pinned dependencies into .venv (about a minute)."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --group test --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" --quiet --output-file requirements.txt
