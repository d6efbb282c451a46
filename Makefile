# Everything here sets up what it needs by itself: a virtual environment, the dependencies, the compiled engine.
# `make demo` needs Python 3.11 or newer, cargo and make; `make test` also uses Chromium for the browser tests, and PostgreSQL and Redis for the stores, when they are there.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := requirements/constraints.txt
ENGINE := $(wildcard rust/*/src/*.rs rust/*/src/*/*.rs) rust/Cargo.toml $(wildcard rust/*/Cargo.toml)

.PHONY: demo test check lint types layers rust unit docs bench smoke build clean help

help:
	@echo "make demo    set up, run a backtest on real data without network, write an HTML report"
	@echo "make test    set up and run every check"
	@echo "make bench   compare speed and memory with a bare loop and with other libraries"
	@echo "make docs    build the documentation"

$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tradewright needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS) $(ENGINE)
	@command -v cargo >/dev/null || { echo "cargo is missing: the order engine is written in Rust (install rustup, then try again)"; exit 1; }
	$(PIP) install --quiet -c $(CONSTRAINTS) -e '.[data,samples,report]'
	@touch $@

$(VENV)/.test: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS) $(ENGINE)
	@command -v cargo >/dev/null || { echo "cargo is missing: the order engine is written in Rust (install rustup, then try again)"; exit 1; }
	$(PIP) install --quiet -c $(CONSTRAINTS) -e '.[data,frames,fast,ta,samples,report,docs,test]'
	@touch $@ $(VENV)/.demo

build: $(VENV)/.demo

demo: $(VENV)/.demo
	$(BIN)/tradewright backtest --symbols SPX --strategy sma_cross --params fast=50,slow=200 --bands --report reports/demo.html

test: lint types layers rust unit docs smoke

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports

rust:
	cd rust && cargo fmt --check
	cd rust && cargo clippy --quiet --all-targets -- -D warnings
	cd rust && cargo test --quiet --release -p tradewright-core

unit: $(VENV)/.test
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || echo "no Chromium here: the browser tests will be skipped"
	@{ ls /usr/lib/postgresql/*/bin/postgres || command -v postgres; } >/dev/null 2>&1 && command -v redis-server >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql redis-server >/dev/null; } || echo "no PostgreSQL or no Redis server here: the tests of these stores will be skipped"
	$(BIN)/python -m pytest -n auto --dist worksteal

docs: $(VENV)/.test
	$(BIN)/mkdocs build --quiet --strict

smoke: $(VENV)/.test
	$(BIN)/tradewright smoke

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .venvs rust/target site reports build dist src/tradewright/_core*.so
