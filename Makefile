# Two commands for everyone: `make demo` and `make test`. `make check` is the fast part of the tests.
PYTHON ?= python3
BIN := .venv/bin
DEMO_DIR ?= llf-kit-demo

.PHONY: demo test check lint

# The stamps make a second call cheap: nothing is installed again until pyproject.toml changes.
.venv/demo.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	touch $@

.venv/dev.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

demo: .venv/demo.stamp
	$(BIN)/llf-kit demo $(DEMO_DIR)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint
	$(BIN)/pytest -n auto -m "not real"

# What is real: two processes with a thread each are done sooner than one with two, and a file's tests share what they
# made. The demo is one long training, and gets the machine for itself.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile -m real --ignore tests/test_demo.py
	$(BIN)/pytest -m real tests/test_demo.py
