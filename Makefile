PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow check format clean

demo: $(READY)  ## compare three crop policies on the embedded data, about two minutes on two cores
	$(BIN)/tamecrop compare scenes --preset quick --out demo

test: $(READY)  ## the specification, fast tier
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(READY)  ## the second tier: kills, long properties, whole studies
	$(BIN)/python -m pytest -n 2 -m slow

check: $(READY)  ## format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build demo src/*.egg-info

$(READY): pyproject.toml src/tamecrop/version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[train,dev]'
	touch $@
