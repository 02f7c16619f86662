# git-tracker: everything a person or a machine runs here. Needs Python 3.11 or newer, git and make; the rest goes into .venv.

REPO ?= .
ARGS ?=
JOBS ?= auto
SOAK_SECONDS ?= 600
BIN := .venv/bin
export CHROMIUM PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test check format demo bench soak lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.runs ## open the tracker of this repository (REPO=path for another) on 127.0.0.1:8787
	@$(BIN)/tracker -C "$(REPO)" init
	@exec $(BIN)/tracker -C "$(REPO)" serve $(ARGS)

test: .venv/.tests ## the whole suite, browser tests included (ARGS='-k words' for a part)
	@for b in $$CHROMIUM chromium chromium-browser google-chrome; do command -v "$$b" && exit; done >/dev/null; \
	echo "No Chromium found, so the tests of the page are left out." \
	"Debian: apt-get install chromium fonts-liberation; elsewhere: make test CHROMIUM=/path/to/it" >&2
	$(BIN)/pytest -n $(JOBS) -m "not soak and not alone and not browser" $(ARGS) || test $$? -eq 5 # 5: none chosen
	@# In a process of their own: Playwright keeps an event loop running, which no other test may find.
	$(BIN)/pytest -m "browser and not soak and not alone" $(ARGS) || test $$? -eq 5
	@$(BIN)/pytest -m "alone and not soak" $(ARGS) || test $$? -eq 5

check: .venv/.tests ## lint, format, types, layers, and the tests of shape and docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict git_tracker
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_shape.py

format: .venv/.tests ## let ruff mend and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: .venv/.runs ## a scratch repository with sample data and three agents at work, to watch
	@$(BIN)/python agent-examples/demo.py $(ARGS)

bench: .venv/.tests ## measure against the floors
	@$(BIN)/python bench/run.py $(ARGS)

soak: .venv/.tests ## long random runs (SOAK_SECONDS=600)
	SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/pytest -m soak -o faulthandler_timeout=0 $(ARGS)

lock: .venv/.tests ## write the lock files anew from pyproject.toml (fetches uv)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev $(LOCK) --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment, caches and what runs left behind
	rm -rf .venv build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis bench/results test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Python 3.11 and everything after it, hashes, no addresses.
LOCK = --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# The stamps are younger than what they were made from, or the set-up runs again.
.venv/.runs: requirements.lock pyproject.toml .ci/setup
	@.ci/setup requirements.lock && touch $@

.venv/.tests: requirements-dev.lock pyproject.toml .ci/setup
	@.ci/setup requirements-dev.lock && touch $@
