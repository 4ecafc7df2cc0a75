# `make` runs the workflow, `make test` checks the project, `make docs` builds its pages, `make benchmark` times it; each
# first installs what it needs into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Live progress bars where there is a terminal to show them.
LIVE := $(shell [ -t 2 ] && echo --logger rich)

.PHONY: all test lines fuzz docs reference benchmark growth coverage cluster test-cluster lock

all: .venv/installed
	@echo "Running the workflow on all cores; results go to results/, logs to logs/."
	$(BIN)/snakemake $(LIVE)

# Workers take all cores: what they call takes one each.
test fuzz lines: export OMP_NUM_THREADS = 1
test fuzz lines: export OPENBLAS_NUM_THREADS = 1
TEST := $(BIN)/python -m pytest --numprocesses auto

test: .venv/installed
	@echo "Checking style, types and workflow, then running the tests."
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(TEST)

# Which lines the unit tests run; it takes twice as long as they do.
lines: .venv/installed
	$(TEST) tests/unit --cov

# Properties on ten times as many examples as in `make test`, and thousands of configs and files with faults; other ones
# every time.
fuzz: .venv/installed
	$(TEST) --hypothesis-profile fuzz -m "hypothesis or drawn"

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html."

# What is made from the declarations of the components: the JSON schema of the config, its page, and tables of columns.
reference: .venv/installed
	PYTHONPATH=scripts $(BIN)/python -m linear_networks_workflow.config.reference

# On one core; what is compared with is installed beside the project if it can be, and left out if not.
benchmark: export OMP_NUM_THREADS = 1
benchmark: export OPENBLAS_NUM_THREADS = 1
benchmark: export XLA_FLAGS = --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1
benchmark: export PYTHONPATH = scripts
benchmark: .venv/installed
	@echo "Installing what is compared with: PyTorch, JAX and diffrax (gigabytes the first time)."
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/compare.py

# The tables and the figure of docs/performance.md.
growth: export PYTHONPATH = scripts
growth: .venv/installed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/growth.py

# The tables of docs/coverage.md.
coverage: export PYTHONPATH = scripts
coverage: .venv/installed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/uncertainties.py

cluster: .venv/cluster

test-cluster: .venv/cluster
	@echo "Running the workflow on a SLURM of two nodes on this machine, installed by apt if missing; needs root."
	$(BIN)/python -m pytest tests/cluster -rs

.venv/cluster: requirements-cluster.txt .venv/installed
	@echo "Installing Snakemake's plugins for clusters and object storage into .venv."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-cluster.txt
	@touch $@

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name it: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Installing pinned dependencies into .venv (about a minute)."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# After a change of the dependencies in pyproject.toml; needs uv.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --quiet

lock:
	$(LOCK) --group test --output-file requirements.txt
	$(LOCK) --group test-cluster --output-file requirements-cluster.txt
