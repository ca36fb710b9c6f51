# The lab's commands. `make run` and `make test` install what is missing first.

PYTHON ?= python3
PORT ?= 8501
# Only this machine; HOST=0.0.0.0 opens the lab to others.
HOST ?= localhost
# How many tests run at once; WORKERS=0 runs them one after another in a single process.
WORKERS ?= 2
# What `make serve` runs: page processes, Dask workers, and the folder that keeps everything.
PAGES ?= 3
RUN_WORKERS ?= 2
STATE ?=
# How long `make fuzz` tries random input, and which.
SECONDS ?= 600
SEED ?= 0

VENV := .venv
BIN := $(VENV)/bin
# One stamp for each content of a requirements file: installed once, then known at once.
stamp = $(VENV)/installed-$(1)-$(firstword $(shell cksum < $(1)))
RUN_STAMP := $(call stamp,requirements.txt)
DEV_STAMP := $(call stamp,requirements-dev.txt)
PYTEST := $(BIN)/python -m pytest --durations=5 --numprocesses=$(WORKERS) --dist=worksteal
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes

.PHONY: help run serve install test quick check format bundle playground screenshots dev browser redis caddy bare lock bench fuzz

help:
	@echo "make run      start the lab (PORT=8501, HOST=localhost)"
	@echo "make serve    the lab for many: page processes behind Caddy, a scheduler, workers"
	@echo "              (PAGES=3, RUN_WORKERS=2, PORT=8501, HOST=localhost, STATE=folder)"
	@echo "make test     run every test: units, pages, browser"
	@echo "make quick    run the unit tests that need no Keras (under a minute)"
	@echo "make check    lint, types, structure, requirements, recorded figures"
	@echo "make format   format the code with ruff"
	@echo "make bundle   rebuild the bundles of the browser's code (needs npm)"
	@echo "make bench    measure the budgets (minutes; wants an idle machine)"
	@echo "make fuzz     try random bad input (SECONDS=600, SEED=0)"
	@echo "make playground   the stage alone, with every kind of trace"
	@echo "make screenshots  take the README's pictures again"
	@echo "make bare     install and run what the images do, in a bare folder, as another user"
	@echo "make lock     pin the requirements of pyproject.toml again"

run: $(RUN_STAMP)
	exec $(BIN)/streamlit run app.py --server.address $(HOST) --server.port $(PORT) \
		$(if $(filter-out localhost 0.0.0.0 ::,$(HOST)),--browser.serverAddress $(HOST))

serve: caddy
	exec $(BIN)/python -m tools.serve --pages $(PAGES) --workers $(RUN_WORKERS) \
		--host $(HOST) --port $(PORT) $(if $(STATE),--folder "$(STATE)")

install: $(RUN_STAMP)

test: dev browser redis caddy
	$(PYTEST) cnn_lab tools tests/unit
	$(PYTEST) tests/app tests/fuzz
	$(PYTEST) tests/browser
	$(BIN)/python -m tools.containers

quick: dev
	$(PYTEST) --quick cnn_lab tools tests/unit

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.structure --check
	$(BIN)/python -m tools.requirements
	$(BIN)/python -m tools.bundle --check
	$(BIN)/python -m tools.model_cards --check
	$(BIN)/python -m tools.faults --check
	$(BIN)/python -m tools.settings --check
	$(BIN)/python -m benchmarks.table --check
	$(BIN)/python -m benchmarks.summary --check

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bundle: dev
	$(BIN)/python -m tools.bundle

dev: $(DEV_STAMP)

browser: dev
	@$(BIN)/python -m tools.browser

redis: dev
	@$(BIN)/python -m tools.redis_server

caddy: $(RUN_STAMP)
	@$(BIN)/python -m tools.caddy

bare: dev
	$(BIN)/python -m tools.containers

lock: dev
	$(COMPILE) --quiet --upgrade --extra redis --extra train --output-file requirements.txt pyproject.toml
	$(COMPILE) --quiet --constraint requirements.txt --extra redis --output-file requirements-pages.txt pyproject.toml
	$(COMPILE) --quiet --extra dev --extra redis --extra train --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	echo uv | $(COMPILE) --quiet --constraint requirements-dev.txt --output-file deploy/requirements-build.txt -

playground: dev
	PYTHONPATH=. $(BIN)/streamlit run tests/browser/stage_harness.py --server.address $(HOST) --server.port $(PORT)

screenshots: dev browser
	$(BIN)/python -m tools.screenshots

fuzz: dev
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

bench: dev browser
	$(BIN)/python -m benchmarks

$(RUN_STAMP): | $(BIN)/pip
	@echo "Installing what the lab needs (about a minute and a half, once)"
	$(INSTALL) --requirement requirements.txt
	@rm -f $(VENV)/installed-requirements.txt-*
	@touch $@

# The development requirements hold all the others, so both stamps are due.
$(DEV_STAMP): | $(BIN)/pip
	@echo "Installing what the lab and its tests need (about two minutes, once)"
	$(INSTALL) --requirement requirements-dev.txt
	@rm -f $(VENV)/installed-*
	@touch $@ $(RUN_STAMP)

# Debian keeps ensurepip in a package of its own, and venv without it leaves half an environment.
$(BIN)/pip:
	@for python in "$(PYTHON)" python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null || continue; \
		"$$python" -c 'import ensurepip' 2> /dev/null || { \
			version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
			echo "Python needs its venv module: install it with \`sudo apt-get install python$$version-venv\`." >&2; \
			exit 1; \
		}; \
		exec "$$python" -m venv $(VENV); \
	done; \
	echo "CNN Lab needs Python 3.11, 3.12 or 3.13; name one with \`make PYTHON=path run\`." \
		"Received: $(PYTHON) = $$("$(PYTHON)" --version 2>&1)" >&2; \
	exit 1
