PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow test-core test-hosts test-matrix check docs format clean

demo: $(READY)  ## compare three crop policies on the embedded data, about two minutes on two cores
	$(BIN)/tamecrop compare scenes --preset quick --out demo

test: $(READY)  ## the specification, fast tier
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: $(READY)  ## the second tier: kills, long properties, whole studies
	$(BIN)/python -m pytest -n 2 -m slow

test-core: $(READY)  ## build wheel and sdist, check them, use the wheel with NumPy and Pillow alone
	rm -rf build dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear .hosts/core
	.hosts/core/bin/python -m pip install --quiet dist/*.whl
	.hosts/core/bin/python tests/hosts/core_check.py

test-hosts: $(READY)  ## host libraries, each in an environment of its own: HOSTS="timm webdataset", or all; OPTIONS="--discard --minutes 40"
	$(BIN)/python tests/hosts/environments.py hosts $(HOSTS) $(OPTIONS)

test-matrix:  ## oldest, middle and newest Python, torch, torchvision and Pillow: ROWS="oldest", or all
	$(PYTHON) tests/hosts/environments.py versions $(ROWS) $(OPTIONS)

check: $(READY)  ## format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

docs: $(READY)  ## the site in docs/_build/html: every warning is an error
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .hosts build dist demo docs/_build docs/api docs/gallery src/*.egg-info

$(READY): pyproject.toml src/tamecrop/version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[train,dev]'
	touch $@
