# `make` alone lists what there is. Everything happens in this folder and in .venv; the packages
# that tests and demo need are installed only where they are missing, and only by root.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
INSTALLED := .venv/.installed

# Tests wait for servers more than they compute: three processes fill two cores.
PROCESSES ?= 3
SIDE_BY_SIDE := -n $(PROCESSES) --dist loadgroup

.PHONY: help setup demo test test-slow check format bench audit kit screenshots clean test-tools demo-tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED) ## Make .venv with .venv/bin/eksa-mirror

$(INSTALLED): pyproject.toml .ci/setup .ci/requirements.lock
	@.ci/setup

demo: setup demo-tools ## Try it: a sample release, a registry on this machine, an import
	@$(BIN)/eksa-mirror demo

test: setup test-tools ## Run the tests, but the slow ones
	@$(BIN)/pytest -m "not slow" $(SIDE_BY_SIDE)

test-slow: setup test-tools ## Run the slow tests
	@$(BIN)/pytest -m slow $(SIDE_BY_SIDE)

check: setup ## Lint, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup test-tools ## Measure an import of 780 MB
	@$(BIN)/python -m tests.bench

audit: ## Look for known vulnerabilities of what the lock names (needs the internet)
	@python3 -m venv build/audit
	@build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@build/audit/bin/pip-audit --require-hashes --disable-pip --requirement .ci/requirements.lock

kit: ## Make dist/: all in one tarball, for a machine without internet and without a Python
	@.ci/kit/build

screenshots: setup ## Draw screenshots/ anew
	@$(BIN)/python -m tests.tui.screenshots

clean: ## Remove what was made here, but .venv
	@rm -rf .demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

demo-tools:
	@command -v registry >/dev/null || .ci/install-missing docker-registry:docker-registry

test-tools:
	@.ci/install-missing docker-registry:docker-registry skopeo:skopeo dockerd:docker.io \
	  htpasswd:apache2-utils tmux:tmux chromium:chromium zsh:zsh groff:groff-base objdump:binutils
