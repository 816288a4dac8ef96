# What people run. Each target sets up what it needs, and is quick when there is nothing to do.
SHELL := /bin/bash
# The first that runs and fits: a name on PATH may be a shim of a version manager without that version behind it.
FITS := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.14 python3.11 python3 python; do \
  "$$name" -c '$(FITS)' >/dev/null 2>&1 && { command -v "$$name"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
UV := $(shell command -v uv)
# Every command starts in half the time once Python may keep what it has compiled.
export PYTHONDONTWRITEBYTECODE :=

# Two targets would install into one folder at once.
.NOTPARALLEL:
.PHONY: demo test test-all setup lean check clean help docs browser-test chromium
# One worker more than two cores: they wait, too, for servers to start and runs to end.
PYTEST := $(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder

help:
	@echo "make demo    set everything up and prove the sorries of examples/"
	@echo "make test    set everything up and run the tests (some minutes)"
	@echo "make test-all   those and the long ones: models, PostgreSQL, a browser, killed runs (about an hour)"
	@echo "make browser-test   the dashboard in a real browser"
	@echo "make docs    build the manual in build/docs"
	@echo "make check   formatting, lint and types only"
	@echo "make clean   remove what the other targets made here"

# What to install, and what to call it.
define install
	$(eval CHOSEN := $(PYTHON))
	@test -n "$(CHOSEN)" && "$(CHOSEN)" -c '$(FITS)' || \
	  { echo "Python 3.11 or later with its venv module is needed: make PYTHON=/path/to/python3.13"; exit 1; }
	@echo "==> setting up $(VENV) with $(CHOSEN): $(2)"
	@{ if [ -n "$(UV)" ]; then \
	  test -x $(BIN)/python || uv venv --quiet --python "$(CHOSEN)" $(VENV) && \
	  UV_FIND_LINKS="$${UV_FIND_LINKS:-$$PIP_FIND_LINKS}" uv pip install --quiet --python $(BIN)/python -e '$(1)'; \
	else \
	  test -x $(BIN)/python || "$(CHOSEN)" -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '$(1)'; \
	fi; } || { echo "The installation failed. If it was interrupted before, $(VENV) may be damaged: make clean"; exit 1; }
endef

$(STAMP): pyproject.toml
	$(call install,.,the pipeline)
	@touch $@

$(DEV_STAMP): pyproject.toml
	$(call install,.[dev],the pipeline and what its tests need)
	@touch $@ $(STAMP)

setup: $(DEV_STAMP)

lean: $(STAMP)
	@echo "==> embedded Lean"
	@$(BIN)/orchestrator lean install

demo: lean
	@echo "==> a git repository from examples/"
	@bash scripts/demo_repository.sh examples $(DEMO)/grove
	@echo "==> proving"
	@ORCH_DATA_DIR="$(CURDIR)/$(DEMO)/data" ORCH_TIMEOUT_REPROVER="$${ORCH_TIMEOUT_REPROVER:-10}" \
	  ORCH_TIMEOUT_HAMMER="$${ORCH_TIMEOUT_HAMMER:-3}" ORCH_MARKET="$${ORCH_MARKET:-no}" \
	  $(BIN)/orchestrator prove $(DEMO)/grove --out $(DEMO)/out
	@git -C $(DEMO)/grove apply --check "$(CURDIR)/$(DEMO)/out/proofs.patch" "$(CURDIR)/$(DEMO)/out/blueprint.patch" \
	  && echo "==> both patches apply: $(DEMO)/out/proofs.patch and $(DEMO)/out/blueprint.patch"

check: setup
	@echo "==> ruff, mypy"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: setup check lean
	@echo "==> tests (the ones marked slow are left out; make test-all runs them, too)"
	@$(PYTEST) -m "not slow"

test-all: setup check lean chromium
	@echo "==> all tests (what needs a PostgreSQL server, a browser or a Lean of your own is skipped where there is none)"
	@$(PYTEST)

chromium:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
	  || echo "==> no chromium: tests in a browser are skipped"

browser-test: setup chromium
	@$(BIN)/pytest tests/browser

docs: setup
	@if [ -n "$(UV)" ]; then uv pip install --quiet --python $(BIN)/python -e '.[docs]'; \
	 else $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'; fi
	@$(BIN)/mkdocs build --quiet && echo "==> build/docs/index.html"

clean:
	rm -rf $(VENV) $(DEMO) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
