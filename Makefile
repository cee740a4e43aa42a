# Everything that a person types. `make help` lists it.

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
CODE := engine export training plugin ui tests rackfocus.py
# pytest-xdist workers.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint format slow clean

help: ## List what can be made.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

# The small base install: enough to render, no Torch. Editable, so that a changed source file needs no second install.
$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(INSTALL) -e '.[dev,torch,onnx,export,train,farm]'
	@touch $@

demo: $(VENV)/.base ## Render a 24-frame focus pull and say where the pictures are.
	$(BIN)/rackfocus demo --out demo

# Threads that wait must not spin: two workers share the cores.
test: lint ## Run the linters, the type checker and the whole test suite.
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow"

slow: $(VENV)/.dev ## Run the long tests: twenty kills, two thousand frames, big frames, a window of Blender.
	$(BIN)/python -m pytest -m slow --timeout 0

bench: $(VENV)/.base ## Measure picture and speed against the peers found on this machine.
	$(BIN)/rackfocus bench optical
	$(BIN)/rackfocus bench speed

lint: $(VENV)/.dev ## Check style, format and types.
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

format: $(VENV)/.dev ## Put the code into its format.
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

clean: ## Remove what was made here, the environment too.
	rm -rf $(VENV) build demo bench-results *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
