# Everything a fresh machine needs is Python 3.11 or newer with venv, and make.
#
#   make demo     set up, then compare the variants of the quickstart; results and pictures in runs/demo
#   make test     set up with the development tools, then lint, types and tests (a few minutes)
#   make verify   the slow validation: closed forms, papers, real traces with long runs
#   make bench    requests per second, peak memory, kernel entry cost
#   make lint     ruff and mypy only
#   make clean    remove the environment and every cache

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: demo test verify bench lint clean

demo: $(VENV)/.installed-run
	rm -rf runs/demo
	$(BIN)/dsim compare scenarios/quickstart.yaml --out runs/demo

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

verify: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) -m slow

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

lint: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

# The stamps say what is installed; they are renewed when pyproject.toml changes.
$(VENV)/.installed-run: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(VENV)/.installed-run $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dsim needs Python 3.11 or newer, \
	this is " + sys.version.split()[0] + "; choose another: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
