# agrilake: `make run` starts the lake on this machine, `make test` proves it. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
BIN := .venv/bin
UV := .venv-bootstrap/bin/uv
SYNC = $(UV) pip sync $(if $(CI),--quiet) --require-hashes --compile-bytecode --python
LOCK := $(UV) pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
IVY = java -cp "$$(echo .venv/lib/python3.11/site-packages/pyspark/jars/ivy-*.jar)" org.apache.ivy.Main -warn \
	-cache .cache/ivy -ivy requirements/jars.xml -confs default \
	-retrieve ".cache/jars/[artifact]-[revision].[ext]"

# files and rows side by side, each module whole; then what shares services, in the order of its cost, and the rest
TESTS_QUICK := $(wildcard $(addprefix tests/,unit golden corpus))
TESTS_FIRST := $(wildcard $(addprefix tests/,spark dags crash browser))
TESTS_ALL := $(sort $(patsubst %/,%,$(dir $(wildcard tests/*/test_*.py))))
TESTS := $(TESTS_FIRST) $(filter-out $(TESTS_QUICK) $(TESTS_FIRST),$(TESTS_ALL))
SYSTEM_PACKAGES := chromium chromium-driver fonts-noto-cjk

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: run
run: install ## install, start the services with the samples, and print where they are
	@$(BIN)/agrilake up

.PHONY: stop
stop: ## stop the services
	@if [ -x $(BIN)/agrilake ]; then $(BIN)/agrilake down; fi

# --- installing: each stamp stands for a finished step and is newer than what the step was made from --------

.PHONY: install
install: .venv/.project .cache/jars/.verified .venv-superset/.installed ## install both environments and the jars

.PHONY: prerequisites
prerequisites:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 is missing. On Debian 12: apt-get install python3 python3-venv" >&2; exit 1; fi
	@version="$$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1 || true)"; \
	if [ "$${version:-0}" -lt 17 ]; then \
		echo "Java 17 is missing (found: $${version:-none}). On Debian 12: apt-get install openjdk-17-jre-headless" >&2; \
		exit 1; fi

# python3.11 if there is one that runs, else a python3 that is 3.11
PYTHON := $(shell for candidate in python3.11 python3; do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	command -v $$candidate; break; fi; done)

.venv-bootstrap/.installed: requirements/bootstrap.lock | prerequisites
	@echo "==> uv, which installs the rest"
	@$(PYTHON) -m venv .venv-bootstrap
	@.venv-bootstrap/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.installed: requirements/lake.lock .venv-bootstrap/.installed
	@echo "==> the lake's environment (about a minute the first time)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(SYNC) $(BIN)/python $<
	@touch $@

.venv/.project: setup.cfg pyproject.toml .venv/.installed
	@echo "==> agrilake itself"
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv-superset/.installed: requirements/superset.lock .venv-bootstrap/.installed
	@echo "==> Superset's environment (about a minute the first time)"
	@[ -x .venv-superset/bin/python ] || $(PYTHON) -m venv .venv-superset
	@$(SYNC) .venv-superset/bin/python $<
	@touch $@

.cache/jars/.verified: requirements/jars.xml requirements/jars.sha256 .venv/.installed
	@echo "==> Delta's jars for Spark"
	@rm -rf .cache/jars
	@$(IVY) >/dev/null
	@cd .cache/jars && sha256sum --check --quiet "$(ROOT)/requirements/jars.sha256"
	@touch $@

# --- checking ------------------------------------------------------------------------------------------------

.PHONY: lint
lint: .venv/.project ## check style and types
	@echo "==> ruff, mypy"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

.PHONY: format
format: .venv/.project ## put imports and layout in order
	@$(BIN)/ruff check --select I --fix
	@$(BIN)/ruff format

.PHONY: system-packages
system-packages:
	@missing=(); for package in $(SYSTEM_PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=($$package); done; \
	if [ $${#missing[@]} -gt 0 ]; then \
		echo "==> system packages for the browser tests: $${missing[*]}"; \
		$(SUDO) apt-get update -qq; \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi

# Spark's statements in the tests are short: the quick compiler alone costs half the processor time
.PHONY: test
test: export AGRILAKE_SPARK_JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1
test: install system-packages lint ## run every check and every test
	@echo "==> generated files are fresh"
	@$(BIN)/agrilake generate --check
	@echo "==> tests: $(TESTS_QUICK)"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(TESTS_QUICK)
	@echo "==> tests: $(TESTS)"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(TESTS)

.PHONY: test-full
test-full: export AGRILAKE_FULL := 1
test-full: test ## run the slow parts as well (every crash point)

.PHONY: bench
bench: .venv/.project .cache/jars/.verified ## measure the lake against its peers and write build/bench (hours; see docs/benchmarks.md)
	@$(BIN)/agrilake bench

.PHONY: audit
audit: .venv/.project ## ask the advisory database about known weaknesses of what is pinned (needs its network)
	@for name in bootstrap lake superset; do echo "==> requirements/$$name.lock"; \
		$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off -r requirements/$$name.lock; done

.PHONY: sbom
sbom: install ## write the bill of materials and the list of licences to build/
	@mkdir -p build
	@$(BIN)/agrilake sbom --out build/sbom.cdx.json
	@$(BIN)/agrilake sbom --licences --json > build/licences.json

# --- upkeep --------------------------------------------------------------------------------------------------

.PHONY: lock
lock: .venv-bootstrap/.installed ## resolve requirements/*.in again and write the jars' sums anew
	@for name in bootstrap lake superset; do \
		echo "==> requirements/$$name.lock"; $(LOCK) requirements/$$name.in -o requirements/$$name.lock; done
	@$(MAKE) .venv/.installed
	@echo "==> requirements/jars.sha256"
	@rm -rf .cache/jars
	@$(IVY) >/dev/null
	@cd .cache/jars && sha256sum *.jar > "$(ROOT)/requirements/jars.sha256"

.PHONY: clean
clean: stop ## remove environments, fetched jars and caches; the lake's data in var/ stay
	@rm -rf .venv .venv-bootstrap .venv-superset .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
