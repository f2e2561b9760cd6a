# Every target makes what it needs: a fresh clone starts with `make sim` or `make test`.
# uv is used where it is installed; without it, python3 -m venv and pip with hashed constraints.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Some environments keep Python from storing what it compiled: each process that a test starts compiles all again.
unexport PYTHONDONTWRITEBYTECODE

# The stamp carries the path of the checkout: a moved or copied .venv points to the old place and is made anew.
VENV  := .venv
STAMP := $(VENV)/.ready$(subst /,-,$(subst $() ,-,$(CURDIR)))
BIN   := $(VENV)/bin
ROBOT ?= config/rover.yaml
TESTS ?=
HOURS ?= 24
SEEDS ?= 20
TRIALS ?= 2000
# Whether the branches that the tests take are counted, and too few are a failure: always where CI is set, since
# the tracer makes half of the tests twice as slow.
COVER  ?= $(CI)
# The last that stands between a dead daemon and a robot that drives: not one branch of it is untried.
GUARD  := robotd/safety/guard.py

# What `make lock` writes down for pip, and the one package of it that has to be built from its source.
EXPORTED := --frozen --quiet --all-groups --no-emit-project --no-header --no-annotate
SOURCE   := feetech-servo-sdk

.PHONY: help sim test check unit bench faults campaign format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

sim: $(STAMP) ## the simulated rover, up and waiting: page, WebSocket, TCP and Unix socket (ROBOT=file for another)
	@exec $(BIN)/robotd run $(ROBOT) --sim

test: check unit ## everything that must be green: format, lint, types, import contracts, tests (COVER=1: their coverage)

check: $(STAMP) ## the half of `make test` that runs no code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(STAMP) ## the tests alone (TESTS="tests/core -k history" for some)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(if $(COVER),--cov --cov-branch --cov-report=) $(TESTS)
	$(if $(COVER),$(BIN)/python -m coverage report)
	$(if $(COVER),$(BIN)/python -m coverage report --include=$(GUARD) --fail-under=100 --no-skip-covered)

bench: $(STAMP) ## commands per second, round trips and stop latency, side by side with three baselines
	$(BIN)/python -m tests.benchmarks

faults: $(STAMP) ## break real robots TRIALS=2000 times, in every way of the safety page: how long until they stood still
	$(BIN)/python -m tests.faults --trials $(TRIALS)

campaign: $(STAMP) ## the tests with their full counts of random cases; the rover lives SEEDS=20 times HOURS=24 hours
	ROBOTD_CAMPAIGN=1 ROBOTD_HOURS=$(HOURS) ROBOTD_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

format: $(STAMP) ## rewrite the sources as `make test` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## refresh uv.lock and the pip constraints made from it (needs uv)
	uv lock --upgrade
	uv export $(EXPORTED) --no-emit-package $(SOURCE) --output-file .ci/constraints.txt
	uv export $(EXPORTED) | sed -n '/^$(SOURCE)==/,/[^\\]$$/p' > .ci/sources.txt

clean: ## remove everything that make made
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(STAMP): pyproject.toml uv.lock .ci/constraints.txt .ci/sources.txt .ci/venv
	@.ci/venv $(VENV) $@
