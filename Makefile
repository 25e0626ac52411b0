# Every command of the README. Nothing needs to be prepared but Python 3.11, Node 20 and make.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?=
TO ?= .looks
SECONDS ?= 60
SEED ?= 1
DEVICES ?= 5
BROKER ?= embedded
MEMORY_SECONDS ?= 60
ONLY ?=
EXAMPLES ?= 100
TESTS ?=
PACKAGE_DIR ?= desktop/dist
IMAGES_DIR ?= /var/tmp/pulse-images
export NEXT_TELEMETRY_DISABLED := 1

.DEFAULT_GOAL := help
.PHONY: help run desktop desktop-package cut stall mend test test-foreign faults mutants pictures looks check drill-api drill-fuzz drill-fleet drill-images audit coverage bench generate lock clean-home

help: ## one line for each target
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: ## install what is missing and start everything on this machine (DEMO=1: with five simulated devices)
	@$(PYTHON) requirements/install.py run
	@$(BIN)/pulse-local run $(if $(DEMO),--demo)

desktop: ## enroll a second device of this machine beside the running one and open its window
	@$(PYTHON) requirements/install.py window
	@$(PYTHON) requirements/install.py screen
	@$(BIN)/pulse-local desktop

desktop-package: ## pack the desktop program into a folder that needs no Python: desktop/dist/pulse-desktop (PACKAGE_DIR)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py package
	@$(PYTHON) requirements/install.py screen
	$(BIN)/pyinstaller --noconfirm --log-level ERROR --distpath $(PACKAGE_DIR) --workpath $(PACKAGE_DIR)/.build desktop/packaging/pulse-desktop.spec

cut stall mend: | $(BIN)/pulse-local

$(BIN)/pulse-local:
	@echo "PrecisionPulse: nothing is installed here yet; start it by make run." >&2; exit 1

cut: ## cut the running device's link to the broker
	@$(BIN)/pulse-local cut

stall: ## let the packets on that link vanish, as when a cable is pulled far away
	@$(BIN)/pulse-local stall

mend: ## join the link again
	@$(BIN)/pulse-local mend

test: ## install what is missing and run every test of every part, the browser tests included
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py browser
	@$(PYTHON) requirements/install.py screen
	@$(PYTHON) requirements/install.py package
	@$(PYTHON) requirements/install.py faults
	@$(PYTHON) requirements/install.py documents
	@$(PYTHON) requirements/install.py deploy
	cd dashboard && npm test --silent
	$(BIN)/python -m pytest --ignore=tests/foreign

test-foreign: ## the same system against mosquitto's broker and command-line clients
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py foreign
	@$(PYTHON) requirements/install.py browser
	$(BIN)/python -m pytest tests/foreign

faults: ## real processes under a schedule of faults, the archive compared with the truth (SECONDS, SEED, DEVICES, BROKER=mosquitto)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py faults
	@$(if $(filter mosquitto,$(BROKER)),$(PYTHON) requirements/install.py foreign)
	PYTHONPATH=tests $(BIN)/python -m faults --seconds $(SECONDS) --seed $(SEED) --devices $(DEVICES) --broker $(BROKER)

mutants: ## break each invariant in a copy of the sources; the tests named for it must turn red, and what else does is listed
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py faults
	PYTHONPATH=tests $(BIN)/python -m mutants.run

pictures: ## make the pictures of the documentation anew
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py browser
	@$(PYTHON) requirements/install.py screen
	PULSE_PICTURES=$(CURDIR)/docs/images $(BIN)/python -m pytest tests/browser desktop/tests/window -k "picture or demo"

looks: ## every page of the dashboard in each of its states as sheets of pictures, to be looked at (TO=folder)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py browser
	PYTHONPATH=tests $(BIN)/python -m browser.looks $(TO)

check: ## formatter, linters, types, import borders, drift of generated files; no server needed
	@$(PYTHON) requirements/install.py dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pulse_acl.generate --check
	$(BIN)/python -m pulse_runtime.generate --check
	PYTHONPATH=tests $(BIN)/python -m documents --check
	cd dashboard && npm run --silent check

drill-api: ## the running API against its OpenAPI document, with requests made up by schemathesis (EXAMPLES, SEED)
	@$(PYTHON) requirements/install.py dev
	PYTHONPATH=tests $(BIN)/python -m api_contract --examples $(EXAMPLES) --seed $(SEED)

drill-fuzz: ## payloads of every kind, damaged, against everything that reads them (EXAMPLES for each)
	@$(PYTHON) requirements/install.py dev
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzzing --timeout 3600

drill-fleet: ## 250 simulated devices at 1 Hz on the embedded broker, 1,000 through mosquitto, ten minutes each (SECONDS, ONLY=mosquitto)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py foreign
	PYTHONPATH=tests $(BIN)/python -m drills.fleet --seconds $(if $(filter file,$(origin SECONDS)),600,$(SECONDS)) $(if $(ONLY),--broker $(ONLY))

drill-images: ## the images of compose.yaml built without an engine, and what is in them started as it says (IMAGES_DIR; needs root)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py deploy
	@$(PYTHON) requirements/install.py images
	PYTHONPATH=tests $(BIN)/python -m drills.images --work $(IMAGES_DIR)

audit: ## the locked dependencies against the public lists of known vulnerabilities (needs PyPI and npm)
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	for set in run window dev audit; do $(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/$$set.txt || exit 1; done
	cd dashboard && npm audit

coverage: ## coverage of every part's tests, programs in processes of their own included, in SonarQube's formats: reports/ (TESTS=folders)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py browser
	@$(PYTHON) requirements/install.py screen
	@$(PYTHON) requirements/install.py package
	@$(PYTHON) requirements/install.py faults
	@$(PYTHON) requirements/install.py documents
	@$(PYTHON) requirements/install.py deploy
	@mkdir -p reports
	cd dashboard && npm run --silent coverage
	$(BIN)/python -m pytest --ignore=tests/foreign --ignore=tests/bench --ignore=tests/mutants --cov --cov-report=xml:reports/coverage.xml --cov-report=term --junitxml=reports/pytest.xml $(TESTS)

bench: ## the benchmarks, with their ratios (ONLY=ingest: one of them; MEMORY_SECONDS=600: memory for ten minutes)
	@$(PYTHON) requirements/install.py dev
	@$(PYTHON) requirements/install.py foreign
	@$(PYTHON) requirements/install.py browser
	@$(PYTHON) requirements/install.py screen
	@$(PYTHON) requirements/install.py package
	PYTHONPATH=tests MEMORY_SECONDS=$(MEMORY_SECONDS) $(BIN)/python -m bench $(ONLY)

generate: ## write the generated files of the contract and of the documentation anew
	$(BIN)/python -m pulse_acl.generate
	$(BIN)/python -m pulse_runtime.generate
	PYTHONPATH=tests $(BIN)/python -m documents

lock: ## pin the newest allowed dependencies (needs uv)
	for set in run window dev audit image-auth-api image-ingest-worker image-build; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q requirements/$$set.in -o requirements/$$set.txt; done
