# The two commands that matter: `make run` shows everything, `make test` checks everything.
# Needs git, make and Python 3.11 or newer; all else is installed into .venv.

# The first Python that really runs and is new enough: a version manager's stub may be there and not work.
PYTHON ?= $(shell for one in python3 python3.13 python3.12 python3.11 python; do \
	$$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$one && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ARGS ?=
# One worker plays the journeys, the others do everything else beside it.
WORKERS ?= 2
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Tests start scores of processes: each would compile all that it imports anew, which takes it longer than its work.
unexport PYTHONDONTWRITEBYTECODE
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: setup run test check bench docs chaos chaos-sim storm screens browser clients lock clean

setup: $(VENV)/.ready

$(VENV)/bin/uv:
	@test -n "$(PYTHON)" || { echo "Saoma needs Python 3.11 or newer on the PATH (or name one: make PYTHON=...)"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.ready: $(VENV)/bin/uv pyproject.toml requirements.txt hatch_build.py $(FRONTEND)
	@echo "Installing what Saoma needs into $(VENV)"
	@$(UV) pip install --quiet --python $(BIN)/python --requirement requirements.txt
	@echo "Building the pages' styles and scripts"
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --reinstall-package saoma --editable .
	@touch $@

run: setup
	@$(BIN)/saoma demo --data-dir .demo $(ARGS)

test: setup browser clients
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/house

bench: setup
	@$(UV) pip install --quiet --python $(BIN)/python --group bench
	@$(BIN)/python bench/sign_and_verify.py
	@$(BIN)/python bench/barcode_payments.py
	@$(BIN)/python bench/api_payments.py
	@$(BIN)/python bench/waiting_payments.py
	@$(BIN)/python bench/reconcile.py --lines 500000
	@$(BIN)/python bench/menu_page.py
	@$(BIN)/python bench/checkout.py --peer
	@$(BIN)/python bench/sandbox.py

docs: setup
	@$(BIN)/python -m tests.house.printed_docs

# A restaurant's real orders, replayed while processes are killed: make chaos FILE=... KILLS=... SEED=...
# The rough one, payments through the partner API while all is broken: make chaos PAYMENTS=10000 KILLS=50 SEED=1
FILE ?= ../shared/data/chipotle-orders.tsv
KILLS ?= 12
SEED ?= 1
chaos: setup
	@$(BIN)/python -m saoma.demo.chaos $(if $(PAYMENTS),--payments $(PAYMENTS),$(FILE)) --kills $(KILLS) --seed $(SEED)

# The payment core and a local Alipay in one process, random histories by seed: make chaos-sim HISTORIES=... SEED=...
HISTORIES ?= 100000
JOBS ?= 2
chaos-sim: setup
	@$(BIN)/python -m tests.simulation --histories $(HISTORIES) --seed $(SEED) --jobs $(JOBS)

# Random requests to all three gateways of the local Alipay, by seed: make storm REQUESTS=... SEED=...
REQUESTS ?= 100000
storm: setup
	@$(BIN)/python -m tests.sandbox.any_request --requests $(REQUESTS) --seed $(SEED)

screens: setup browser
	@$(BIN)/python -m tests.journeys.screens $(ARGS)

browser: setup
	@$(BIN)/python -m tests.browser

# Clients of Alipay that nobody here wrote, each in a folder of its own: the tests drive them against the local Alipay.
clients: setup
	@$(BIN)/python -m tests.clients

lock:
	@$(UV) pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate \
		--generate-hashes pyproject.toml --extra platform --group dev --output-file requirements.txt --upgrade

clean:
	rm -rf $(VENV) .demo src/saoma/web/built frontend/node_modules
