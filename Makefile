# One list of tasks for people, hooks and CI. `make help` prints it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALLED := $(VENV)/.installed
UV_VERSION := 0.13.9

export DO_NOT_TRACK := 1

.PHONY: help setup demo test test-slow test-all test-faults try-prefect audit bench-decisions bench-features bench-ingest bench-models bench-night bench-quality lint format types lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# uv is the only thing taken from outside the lock file; it is then used to install nothing but what the lock file vouches for
$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "Gristmill needs $(PYTHON) on the PATH (or: make PYTHON=/path/to/python3.11 …)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(INSTALLED): requirements.lock pyproject.toml | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

setup: $(INSTALLED)  ## a virtual environment with the locked packages (the other tasks call it)

demo: setup  ## a simulated shop, from raw files to published segments, in ./demo
	rm -rf demo
	$(BIN)/gristmill simulate
	$(BIN)/gristmill run --as-of 2026-01-01 --orchestration local

test: setup  ## the tests (fast ones), two processes at once
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup  ## the end-to-end tests: simulator, real data, a real orchestrator
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

test-all: test test-slow  ## everything

FAULTS := tests/faults tests/warehouse/publishing/test_killed_publishes.py tests/warehouse/loads/test_killed_loads.py tests/warehouse/databases/test_locking.py \
  tests/warehouse/databases/test_recovering.py tests/warehouse/publishing/test_write_audit_publish.py tests/warehouse/databases/test_postgresql_warehouse.py tests/flows/running/test_stopping.py
test-faults: setup  ## every fault on purpose: all failpoints, 200 swaps, long random stories with real kills
	GRISTMILL_FAULT_EFFORT=10 $(BIN)/python -m pytest $(FAULTS)

try-prefect: setup  ## a Prefect server, a worker that is killed in the middle of a night, and the night after it (minutes)
	GRISTMILL_TRY_PREFECT=1 $(BIN)/python -m pytest tests/flows/buckets/test_killed_worker.py

audit: setup  ## no secret in the tree, nothing in the lock file without a hash or with an address
	$(BIN)/python .ci/audit

bench-features: setup  ## what features cost: 1, 6 and 12 dates on 2 M and 20 M order lines, bucketing, and beside other tools
	$(BIN)/python benchmarks/bench_features.py
	$(BIN)/python benchmarks/bench_peers.py --cache $(or $(CACHE),$(HOME)/.cache/gristmill/bench)

bench-quality: setup  ## how good the models predict on the public data sets (needs GRISTMILL_SHARED_DATA)
	$(BIN)/python benchmarks/bench_quality.py
	$(BIN)/python benchmarks/quality_value.py
	$(BIN)/python benchmarks/quality_next_offer.py
	$(BIN)/python benchmarks/quality_decisions.py

bench-decisions: setup  ## choosing among 50 offers for each of a million customers
	$(BIN)/python benchmarks/bench_decisions.py

bench-models: setup  ## what training and scoring cost beside LightGBM alone (ROWS=100000 to try)
	$(BIN)/python benchmarks/bench_models.py --rows $(or $(ROWS),1000000)

bench-night: setup  ## what every step of a first night costs at 100,000 and 300,000 customers, and how it grows
	$(BIN)/python benchmarks/bench_night.py --customers $(or $(CUSTOMERS),100_000 300_000)

bench-ingest: setup  ## how long loading 10 M order lines takes, beside plain DuckDB (ROWS=1_000_000 to try)
	$(BIN)/python benchmarks/bench_ingest.py --rows $(or $(ROWS),10_000_000)

lint: setup  ## ruff, layers, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: setup  ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(UV)  ## renew requirements.lock from pyproject.toml (exact versions, hashes, no addresses)
	$(UV) pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-annotate --no-emit-index-url --no-header \
	  --quiet --output-file requirements.lock

clean:  ## remove what running and testing left (not the virtual environment)
	rm -rf demo examples/*/work .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
