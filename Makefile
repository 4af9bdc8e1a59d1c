# Everything here installs what it needs: a checkout, GNU make and Python 3.11 or newer will do.
#   make demo            watch a simulated provider fail and recover, without any key
#   make run             the daemon itself (configuration: CONFIG=FILE, else the environment)
#   make test            all tests, in stages
#   make check           formatting, lint, types, import contracts
#   make test-image      the container image, built and run as its users do
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
CONFIG ?=
IMAGE ?= sonde:latest
ARGS ?=

BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
STAGES := $(wildcard tests/unit tests/property tests/virtual tests/simulation tests/contract tests/integration tests/e2e tests/replicas tests/browser)

# uv resolves the lock files; it is no part of what is installed.
UV_VERSION := 0.13.8
LOCK := $(VENV)/lock/bin/uv pip compile --quiet --generate-hashes --no-header \
  --universal --python-version 3.11 $(if $(UPGRADE),--upgrade)

.PHONY: image test-image docs docs-serve docs-reference picture help demo run test test-servers bench-servers check fmt bench soak sim sim-mutants lock venv clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/ui.stamp ## a simulated provider fails and recovers; no key, no network
	@$(BIN)/sonde demo $(ARGS)

run: $(VENV)/ui.stamp ## the daemon: CONFIG=FILE, or the environment alone
	@$(BIN)/sonde run $(CONFIG) $(ARGS)

venv: $(VENV)/dev.stamp $(VENV)/ui.stamp ## the environment for working on Sonde

test: $(VENV)/dev.stamp $(VENV)/ui.stamp test-servers ## unit and property, contract and integration, end to end
	@$(PY) -m pytest $(STAGES) $(ARGS) </dev/null

test-servers: $(VENV)/dev.stamp ## the real servers that tests run against, into .servers
	@PYTHON=$(abspath $(PY)) tests/servers/install

image: ## the container image, as $(IMAGE) (BUILDER=docker|podman|buildah, IMAGE=NAME:TAG)
	@deploy/image/build $(IMAGE)

test-image: $(VENV)/dev.stamp ## the container image built twice and run; takes root, about six minutes
	@PYTHON=$(abspath $(PY)) tests/servers/install image
	@$(PY) -m pytest tests/image $(ARGS) </dev/null

bench-servers: ## what benchmarks run against and are measured with
	@tests/servers/install bench

check: $(VENV)/dev.stamp ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) hatch_build.py check

fmt: $(VENV)/dev.stamp ## format, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp bench-servers ## the benchmarks, about ten minutes (ARGS="latency --quick", --help)
	@$(PY) -m benchmarks $(ARGS)

soak: $(VENV)/dev.stamp bench-servers ## 5,000 targets every 10 s on one core (ARGS="--minutes 10 --no-influxdb")
	@$(PY) -m benchmarks soak $(ARGS)

sim: $(VENV)/dev.stamp ## 20,000 stories of outages, crashes and wrong clocks (ARGS="--seeds 500", --help)
	@$(PY) -m tests.simulation --seeds 20000 $(ARGS)

sim-mutants: $(VENV)/dev.stamp ## which of them finds which planted bug
	@$(PY) -m tests.simulation --mutants $(ARGS)

docs: $(VENV)/dev.stamp ## the documentation as a site, into build/site; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict

docs-serve: $(VENV)/dev.stamp ## the same while writing, on http://127.0.0.1:8001
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs serve --dev-addr 127.0.0.1:8001

docs-reference: $(VENV)/dev.stamp ## the pages of reference, anew from the code
	@$(PY) -m tests.docs

picture: $(VENV)/dev.stamp $(VENV)/ui.stamp ## the dashboard's picture in the README, taken with Chromium
	@$(PY) -m tests.docs.picture

# What a resolver may choose is in pyproject.toml; what is installed is in the lock files, by hash.
# The runtime lock follows the development one, so that tests meet the very versions that ship.
lock: $(VENV)/lock/bin/uv ## resolve the lock files anew (UPGRADE=1: newest versions allowed)
	$(LOCK) pyproject.toml --group dev -o requirements-dev.lock
	$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(PY) -c "$$BUILD_TOOLS" | $(LOCK) - -c requirements-dev.lock -o requirements-build.lock

# The build backend, and what it asks for beside it when an installation is editable.
define BUILD_TOOLS
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["build-system"]["requires"], "editables", sep="\n")
endef
export BUILD_TOOLS

clean: ## forget the environment, the test servers and every cache
	rm -rf $(VENV) .servers dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf monitor/web/static $(UI)/node_modules $(UI)/src/api-types.ts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, in three steps that are each repeated only when their input changed.
$(VENV)/pip.stamp:
	@PYTHON=$(PYTHON) .ci/venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/pip.stamp requirements.lock requirements-build.lock pyproject.toml
	@echo "installing Sonde into $(VENV)"
	@$(PIP) --require-hashes -r requirements-build.lock
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# The installation above builds the dashboard too; this is for when its sources change after it.
UI := monitor/web/ui
UI_SOURCES := $(filter-out $(UI)/src/api-types.ts,$(shell find $(UI)/src -type f)) \
  $(wildcard $(UI)/*.mjs $(UI)/*.json) monitor/api/openapi.json hatch_build.py

$(VENV)/ui.stamp: $(VENV)/run.stamp $(UI_SOURCES)
	@$(PY) hatch_build.py
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	@echo "installing what tests and checks need into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/lock/bin/uv: $(VENV)/pip.stamp
	@$(PY) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
