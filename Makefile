# `make help` lists the targets; each sets up .venv by itself, once.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
COMPILED := .venv/.compiled
SERVED := .venv/.compiled-live
KERNELS := .venv/kernels.mk
MAKEFLAGS += --jobs=2 # both kinds of kernels at once, and both halves of the tests
-include $(KERNELS) # KERNEL_SOURCES: where kernels stand, as the program itself says

.PHONY: run test test-simulator test-rest setup check format bench help
.DELETE_ON_ERROR:

run: $(COMPILED)   ## the default search; ARGS="driver.budget=100 seed=1" overrides keys
	$(BIN)/python -m search $(ARGS)

ifdef ARGS
test: $(COMPILED) $(SERVED) ## the tests; ARGS="-m slow" runs the long ones
	$(BIN)/python -m pytest -q $(ARGS)
else
test: test-simulator test-rest
endif

SIMULATOR := tests/blis tests/oracle tests/parity tests/vectors # about half of the time

test-simulator: $(COMPILED) $(SERVED)
	$(BIN)/python -m pytest -q $(SIMULATOR)

test-rest: $(COMPILED) $(SERVED)
	$(BIN)/python -m pytest -q $(addprefix --ignore=,$(SIMULATOR))

setup: $(COMPILED)  ## only set up: install, and compile the kernels

check: $(INSTALLED) ## lint, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## rewrite the code as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(COMPILED)  ## benchmarks; they rewrite docs/benchmarks.md
	$(BIN)/python -m benchmarks.run $(ARGS)

help:              ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,postgresql]"
	touch $@

$(COMPILED): $(INSTALLED) $(wildcard $(KERNEL_SOURCES))
	$(BIN)/python -m blis.warm --list $(KERNELS)
	touch $@

$(SERVED): $(INSTALLED) $(wildcard $(KERNEL_SOURCES))
	$(BIN)/python -m blis.warm --live
	touch $@
