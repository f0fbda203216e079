# Everything a checkout can do. Needs make and Python 3.11 or newer, nothing else.

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check bench soak clean

UV := 0.13.9
PYTEST := .venv/bin/pytest
# A broken or too old interpreter on the path is passed over.
PYTHON = $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: .venv/.complete ## the environment in .venv, exactly as locked, and what the servers need

.venv/.complete: pyproject.toml uv.lock infrastructure/local_stack/opensearch.lock.toml
	@test -n "$(PYTHON)" || { echo "Tierline needs Python 3.11 or newer: install it so that python3.11 or python3 is found."; exit 1; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==$(UV)
	UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --locked
	@.venv/bin/tierline stack fetch || true # without it OpenSearch is off and says so; each start tries again
	@touch $@

demo: setup ## a year of shopping, loaded, decided and asked about
	.venv/bin/tierline demo

run: setup ## servers, API and worker, until Ctrl-C
	.venv/bin/tierline run

test: setup ## all tests but the long ones
	$(PYTEST) -m "not soak" -n logical --maxprocesses=4 --dist=worksteal

check: setup ## style, types, import rules
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup ## the figures of docs/benchmarks.md
	.venv/bin/tierline bench

soak: setup ## the long tests
	$(PYTEST) -m soak -n0 --timeout=7200

clean: ## stops the servers and removes all that was made here but the data in .tierline/
	-@test ! -x .venv/bin/tierline || .venv/bin/tierline stack down
	-@test ! -d .tierline-test -o ! -x .venv/bin/tierline || TIERLINE_HOME=.tierline-test .venv/bin/tierline stack down
	rm -rf .venv .tierline-test .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
