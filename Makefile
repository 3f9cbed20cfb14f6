# `make` lists the targets. Each one does its own set-up; stamps inside the venv make the second time fast.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
FOCUS ?= .venv-focus
WORKERS ?= 2
TORCH := $(shell grep '^torch==' constraints.txt)
PACKAGES := router planner dashboards
SCENARIO ?= data/scenarios/article.toml
PORT ?= 8080

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# -qq silences progress and notices; errors still print.
PIP := $(BIN)/python -m pip install -qq --constraint constraints.txt
# On a busy machine two OpenMP threads wait for each other longer than one would compute.
TESTING := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
SAY = @echo "breakeven: $(1)" >&2

.PHONY: help run test check lint docs bench soak wheel clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: $(VENV)/.run ## set up, answer the article's question, then serve the router over the sandbox until Ctrl-C
	@$(BIN)/planner breakeven $(SCENARIO)
	@exec $(BIN)/router serve --port $(PORT)

test: $(VENV)/.test $(FOCUS)/.ready ## set up, then run every test
	@$(TESTING) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: lint ## lint, types, import direction and the fast tests; needs no torch
	@$(TESTING) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow and not torch"

lint: $(VENV)/.dev ## lint, types, import direction
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(VENV)/.dev ## put true output into the pages that show some
	@$(BIN)/python .ci/fill_outputs.py README.md docs/*.md

bench: $(VENV)/.dev ## print every benchmark's table
	@for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(TESTING) $(BIN)/python "$$script" || exit 1; done

soak: $(VENV)/.dev ## 200 jobs over every vendor's loopback server while the router is killed every few seconds
	@$(TESTING) $(BIN)/python -m tests.soak

wheel: $(VENV)/.dev ## build dist/*.whl
	@$(BIN)/python -m build --quiet --wheel --outdir dist .
	@ls dist/*.whl

clean: ## remove what make made: environments, builds, caches
	@rm -rf $(VENV) $(FOCUS) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(wildcard $(PACKAGES) tests benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.venv: .ci/venv
	$(call SAY,making the virtual environment $(VENV))
	@.ci/venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.venv pyproject.toml constraints.txt
	$(call SAY,installing the planner and the router)
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(call SAY,installing the linter and the test runner)
	@$(PIP) --editable '.[dev]'
	@touch $@

# torch first and alone: an index that offers a CPU build gets the chance to serve it before an extra asks for any torch.
$(VENV)/.test: $(VENV)/.dev
	$(call SAY,installing $(TORCH) and the worker's libraries)
	@$(PIP) '$(TORCH)'
	@$(PIP) --editable '.[worker,ray,dev]'
	@touch $@

# The validator of FOCUS files pins numpy 1.26, so it cannot live with the planner.
$(FOCUS)/.ready: .ci/focus constraints-focus.txt
	$(call SAY,installing focus-validator in $(FOCUS))
	@.ci/focus $(FOCUS)
	@touch $@
