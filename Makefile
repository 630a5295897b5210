# `make help` lists what there is. Everything runs from this folder's own .venv and .tools.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 1000
FIRST ?= 0
SAMPLES ?= tests/conformance/samples
DEMO ?= 1
JOBS ?= 2
IMAGES ?=
BUG ?=
MESSAGES ?= 20000
# `make up CDMX_PORT_DESK=9001` moves a port: variables given to make reach the commands.
export

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.venv/.installed: requirements/dev.txt
	@echo "· .venv: dependencias de Python, verificadas por hash / Python dependencies, verified by hash"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Falta Python 3.11 o posterior / Python 3.11 or later is missing: sudo apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Falta venv / venv is missing: sudo apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: .venv/.installed ## Python dependencies and every engine, pinned and verified
	@$(BIN)/python -m local.setup

.PHONY: deps
deps: ## Install the Debian packages the system uses, or print the one line that does
	@bash local/deps.sh

.PHONY: up
up: .venv/.installed ## Start the whole system and play a short morning (DEMO=0: without it)
	@exec $(BIN)/python -m local.up

.PHONY: down
down: ## Stop a system that runs elsewhere, by its pids
	@$(BIN)/python -m local.down

.PHONY: test
test: setup check ## All gates and tests
	$(BIN)/pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term:skip-covered tests
	$(BIN)/python -m sim --seeds $(or $(TEST_SEEDS),50) --some-cells

.PHONY: check
check: .venv/.installed ## Lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: unit
unit: .venv/.installed ## Unit tests alone
	$(BIN)/pytest -q tests/unit

.PHONY: coverage
coverage: .venv/.installed ## Branch coverage of the domain code by the unit tests; its floor stands in pyproject.toml
	$(BIN)/pytest -q -n $(JOBS) --cov --cov-report=term-missing:skip-covered tests/unit

.PHONY: test-engines
test-engines: setup ## The object suite on versitygw, then chaos on ElasticMQ, DynamoDB Local and versitygw
	@$(BIN)/python -m local.setup versitygw
	CDMX_TEST_ENGINES=all $(BIN)/pytest -q tests/contract
	$(BIN)/python -m tests.faults.chaos_smoke --engines second

.PHONY: compose-check
compose-check: .venv/.installed ## docker-compose.yml, read by the Compose Specification's own parser (needs Go)
	@$(BIN)/python -m local.compose.check

.PHONY: images
images: .venv/.installed ## Build and start each image without a Docker engine (minutes; IMAGES="ingest media": only these)
	@nice $(BIN)/python -m local.compose.images $(IMAGES)

.PHONY: sim
sim: .venv/.installed ## Deterministic simulation: SEEDS worlds from FIRST (BUG=name plants a bug: it must fail)
	$(BIN)/python -m sim --seeds $(SEEDS) --first $(FIRST) $(if $(BUG),--bug $(BUG))

.PHONY: sim-selftest
sim-selftest: .venv/.installed ## Planted bugs that the simulation must find
	$(BIN)/python -m sim.selftest

.PHONY: conformance
conformance: setup ## Feed every sample of the folder SAMPLES through the running system
	$(BIN)/python -m tests.conformance --samples $(SAMPLES)

.PHONY: twin-fidelity
twin-fidelity: .venv/.installed ## What the twin emits occurs in a real sample of the folder SAMPLES
	$(BIN)/python -m tests.conformance.twin_fidelity --samples $(SAMPLES)

.PHONY: audit
audit: .venv/.installed ## Audit the running system: written outside against kept, found, forwarded and shown
	@$(BIN)/python -m local.audit

.PHONY: audit-selftest
audit-selftest: setup ## Sabotages that the audit must find
	$(BIN)/python -m tests.faults.audit_selftest

.PHONY: chaos-smoke
chaos-smoke: setup ## Kill each worker under load, then audit
	$(BIN)/python -m tests.faults.chaos_smoke

.PHONY: chaos-record
chaos-record: setup ## 20,000 messages while everything goes wrong (an hour and more; MESSAGES=300 to try it); then audit
	$(BIN)/python -m tests.faults.chaos_record --messages $(MESSAGES)

.PHONY: crashpoints
crashpoints: setup ## Every call a worker makes for a message x killed, answer lost, throttled, 5xx; then audit (minutes)
	$(BIN)/python -m tests.faults.crashpoints

.PHONY: leak-check
leak-check: setup ## No personal data in logs, metrics, traces, events, queues or ids
	$(BIN)/python -m tests.faults.leak_check

.PHONY: retention-proof
retention-proof: .venv/.installed ## The same file on day 1 and day 89, looked at on day 91, by the keeper's own retention
	@$(BIN)/python -m tests.faults.retention_proof

.PHONY: erasure-proof
erasure-proof: setup ## Erase a person on a running system: nothing of them by any API or raw store, nor after a restore
	$(BIN)/python -m tests.faults.erasure_proof

.PHONY: hostile-files
hostile-files: setup ## Hostile files through the media worker, a row each (HOSTILE=--plant: with a blind scanner, must fail)
	@$(BIN)/python -m tests.faults.hostile $(HOSTILE)

.PHONY: up-faults
up-faults: setup ## Port taken, tool missing, disk full, half download, emulator killed: message, remedy, up again
	$(BIN)/python -m tests.faults.up_faults

.PHONY: bench
bench: setup ## Measure beside peers: one table, one plot
	$(BIN)/python -m bench

.PHONY: near-dup
near-dup: .venv/.installed ## Recall of altered copies of pictures, and false pairs (PICTURES=folder: of yours; or --plant)
	@nice $(BIN)/python -m bench.near_dup $(PICTURES)

.PHONY: screenshots
screenshots: setup ## Take the docs' pictures anew (needs Debian's Chromium)
	@$(BIN)/python -m local.screenshots

.PHONY: schemas
schemas: .venv/.installed ## Write the events' JSON Schemas and AsyncAPI document
	$(BIN)/python -m shared.events.export

UV := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.PHONY: requirements
requirements: .venv/.installed ## Compile the hashed requirement files
	$(UV) --all-extras --group dev pyproject.toml -o requirements/dev.txt
	for extra in ingest media forwarder search desk twin; do $(UV) --extra $$extra pyproject.toml -o requirements/$$extra.txt; done
	$(UV) --all-extras pyproject.toml requirements/tools.in -o requirements/tools.txt
	$(UV) requirements/ministack.in -o requirements/ministack.txt
	$(UV) requirements/jdk.in -o requirements/jdk.txt

.PHONY: checksums
checksums: .venv/.installed ## Pin what Maven Central delivers (read the difference before committing it)
	$(BIN)/python -m local.engines.pin
