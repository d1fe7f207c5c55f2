# `make` lists the targets. Everything runs in .venv, which `install` makes from the constraints.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo
SEED ?= 1
PICTURES ?= ../shared/data/insects/field/Coleoptera
# Exported backbones and features of libraries: inside the checkout, so that nothing else is touched.
export BERLESE_CACHE ?= $(CURDIR)/.cache

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-hub lint format bench docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## make .venv and install berlese into it

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install ## simulate a small survey with known truth and run the whole path on it
	$(BIN)/berlese demo --out $(DEMO) --seed $(SEED)

# One thread a worker: two workers with two threads each get in each other's way on two cores.
test: install ## run the test suite on up to four cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow and not hub' -n auto --maxprocesses 4 --dist worksteal

test-slow: install ## run the science checks that take minutes
	$(BIN)/python -m pytest -m slow

test-hub: ## check timm, open_clip, torchvision and Keras, each in an environment of its own (6 GB)
	$(PYTHON) -m venv .venv-keras
	.venv-keras/bin/python -m pip install --quiet tensorflow-cpu
	$(PYTHON) -m venv .venv-hub
	.venv-hub/bin/python -m pip install --quiet --editable '.[dev,hub]'
	BERLESE_KERAS_PYTHON=$(CURDIR)/.venv-keras/bin/python .venv-hub/bin/python -m pytest -m hub

lint: install ## formatting, lint, types and the contract of layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure speed and quality; prints, changes nothing
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/embedding.py $(PICTURES)
	$(BIN)/python benchmarks/segmentation.py

docs: install ## make the reference pages from the program and build the site into site/
	$(BIN)/python docs/make_reference.py
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/zensical build --strict --config-file mkdocs.yml

clean: ## remove what the other targets made
	rm -rf $(VENV) .venv-hub .venv-keras $(DEMO) site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
