# Everything a person does with Ligne Claire. `make run` and `make test` do all their set-up themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= demo
MONTH ?= 2026-10
MONTHS ?= 1

.PHONY: run test month bench lint admin lock

run: $(VENV)/.run ## serve on http://127.0.0.1:8000
	@$(BIN)/python -m jobs.setup
	@exec $(BIN)/python app.py

test: $(VENV)/.test ## the whole suite, on SQLite and PostgreSQL, browser included
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not system"

month: $(VENV)/.run ## the main job without a browser: DIR=… MONTH=… MONTHS=…
	@$(BIN)/python -m jobs.month $(DIR) --month $(MONTH) --months $(MONTHS)

bench: $(VENV)/.bench ## figures side by side
	$(BIN)/python -m bench

lint: $(VENV)/.test ## style, types, floor plan
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

admin: $(VENV)/.run ## one-time link for an administrator: EMAIL=…
	@$(BIN)/python -m jobs.access $(EMAIL)

lock: $(VENV)/.test ## make the locks again from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra test -c requirements.txt -o requirements-test.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra test --extra bench -c requirements-test.txt -o requirements-bench.txt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.test: requirements-test.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/.run

$(VENV)/.bench: requirements-bench.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/.test $(VENV)/.run
