# Everything from a fresh checkout, with python3 (3.11 or newer) alone:
#
#   make run          set up, then a gateway over sample servers (offline, no key)
#   make test         set up, then the tests
#   make check        lint, formatting, types, tests with branch coverage
#   make conformance  the official MCP conformance suite, then other people's clients (needs npm; fetches Node 22)
#   make frameworks   agents made with CrewAI and ADK against the gateway (fetches a gigabyte)
#   make bench        the benchmarks (nginx and wrk are used if they are there)
#   make lock         pin the dependencies anew
#   make clean        remove what these made
#
# PYTHON=python3.12 picks another interpreter; ARGS="..." goes to the demo, pytest, the suite or the benchmarks.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV := uv==0.13.8

.PHONY: run test check conformance frameworks bench lock clean
.DEFAULT_GOAL := run

run: $(READY)
	@$(BIN)/fedgate demo $(ARGS)

test: $(READY)
	@$(BIN)/pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

conformance: $(READY)
	@$(BIN)/python tests/conformance/run.py --required $(ARGS)
	@$(BIN)/pytest -m clients tests/clients

frameworks: $(READY)
	@$(BIN)/pytest -m frameworks tests/clients

bench: $(READY)
	@$(BIN)/python bench/run.py $(ARGS)

# The environment: made once, and again when the pins or the package's metadata change.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "fedgate needs Python 3.11 or newer, but $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: its venv module is missing" >&2; \
	  echo "try: apt install python3-venv   (Debian, Ubuntu), or another PYTHON=..." >&2; exit 1; }
	@echo "setting up $(VENV) (once; under a minute with a good connection) ..." >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# One file for all supported Pythons and platforms, with hashes, and without an index's address.
lock:
	@$(PYTHON) -m venv .tools/lock
	@.tools/lock/bin/python -m pip --disable-pip-version-check install --quiet $(UV)
	@.tools/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-annotate --no-header --group dev --output-file requirements.lock pyproject.toml
	@! grep -nE '://|file:|^-|^/' requirements.lock || { echo "requirements.lock names a place" >&2; exit 1; }

clean:
	rm -rf $(VENV) .tools dist build .coverage .coverage.* coverage.xml \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
