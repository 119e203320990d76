SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup run docs test test-quick costs lint types layers test-core test-gui fmt clean

BIN := .venv/bin
# What `make run` opens; for another file: make run ARGS=frame.cbf
ARGS ?= --example
# A Python of your own choice for the set-up: make run PYTHON=python3.12
export PYTHON

# More threads make the small networks of the tests slower, not faster.
export OMP_NUM_THREADS ?= 1
export PYTEST_QT_API := pyside6

GUI_TESTS := $(wildcard tests/gui tests/integration)
# What a run costs is printed at its end: the slowest tests, and processor time room by room.
PYTEST := $(BIN)/python -m pytest --durations=30 --durations-min=0.5
stage = printf '\n=== %s\n' "$(1)"

help:
	@echo "make run     set up if needed, then open the example frame with a prediction (ARGS=file for another)"
	@echo "make test    the whole check: lint, types, layers, tests"
	@echo "make test-quick  the tests of every room that take least, and the most telling ones"
	@echo "make lint    ruff, mypy and import-linter only"
	@echo "make docs    build the site of the documentation into ./site"
	@echo "make fmt     format the code and fix what ruff can fix"
	@echo "make setup   set up .venv only"
	@echo "make clean   remove .venv, caches and build results"

setup:
	@bash packaging/setup.sh offscreen

run:
	@bash packaging/setup.sh window
	@$(BIN)/xgeom-gui $(ARGS)

# The two halves of the tests wait for other processes much of the time: side by side they take half as long.
test: lint
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-core test-gui
	@$(call stage,All stages passed.)

# Which tests that is, tests/support/costs.py says.
test-quick: setup
	@$(PYTEST) -p no:pytest-qt --quick tests/core
	@QT_QPA_PLATFORM=offscreen $(PYTEST) --quick $(GUI_TESTS)

# After tests were added or became slower or faster: measure again which are left out of the quick run.
costs: setup
	@$(PYTEST) -p no:pytest-qt --record-costs tests/core tests/slurm
	@QT_QPA_PLATFORM=offscreen $(PYTEST) --record-costs $(GUI_TESTS)

lint: setup
	@$(call stage,1/6 ruff check)
	@$(BIN)/ruff check .
	@$(call stage,2/6 ruff format)
	@$(BIN)/ruff format --check .
	@$(call stage,3/6 mypy (the first time takes a minute))
	@$(BIN)/mypy
	@$(call stage,4/6 import-linter)
	@$(BIN)/lint-imports --no-logo

# Without pytest-qt, so that tests/core/conftest.py can forbid Qt altogether.
test-core: setup
	@$(call stage,5/6 tests of the core with Qt forbidden)
	@$(PYTEST) -p no:pytest-qt tests/core tests/slurm

test-gui: setup
	@$(call stage,6/6 tests of the window and of whole programs (offscreen))
	@QT_QPA_PLATFORM=offscreen $(PYTEST) $(GUI_TESTS)

docs: setup
	@$(BIN)/python docs/make_tutorials.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "site/index.html is the first page"

fmt: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .hypothesis
