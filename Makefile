# make run, test, setup, check, bench: each sets up .venv by itself, once.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
COMPILED := .venv/.compiled
KERNEL_SOURCES := $(wildcard blis/jit.py blis/tables/*.py blis/engine/*.py blis/engine/*/*.py blis/policies/*.py)

.PHONY: run test setup check bench
.DELETE_ON_ERROR:

run: $(COMPILED)   ## the default search; ARGS="driver.budget=100 seed=1" overrides keys
	$(BIN)/python -m search $(ARGS)

test: $(COMPILED)  ## the tests; ARGS="-m slow" runs the long ones
	$(BIN)/python -m pytest -q $(ARGS)

setup: $(COMPILED)  ## only set up: install, and compile the kernels

check: $(INSTALLED) ## lint, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(COMPILED)  ## benchmarks
	$(BIN)/python -m benchmarks.run $(ARGS)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

$(COMPILED): $(INSTALLED) $(KERNEL_SOURCES)
	$(BIN)/python -m blis.warm
	touch $@
