# Spectre Lens: `make run` opens the laboratory, `make test` tests it. Each works alone in a fresh clone
# with Python 3.11 or newer. Plain POSIX sh and any GNU make from 3.81.

VENV ?= .venv
PORT ?=
ARGS ?=
# More words for pip-audit, for instance --ignore-vuln ID for a hole that does not touch us.
AUDIT_ARGS ?=
# More words for pip install, for instance the index that has PyTorch without CUDA.
PIP_ARGS ?=
# A Python of your choice; empty means the first fitting one of the list in `install`.
PYTHON ?=

python := "$(VENV)/bin/python"

.PHONY: help run test slow check sbom bench clean
.DEFAULT_GOAL := help

# $(call install,NAME,WHAT,FILES...): make $(VENV) hold what the first of FILES asks for. Does nothing where none of FILES
# is newer than the last install. The stamp gets the time of the start, so that an edit made meanwhile still counts.
define install
@set -e; \
stamp="$(VENV)/.installed-$(1)"; \
if [ -e "$$stamp" ] && $(python) -c '' 2>/dev/null && [ -z "$$(find $(3) -newer "$$stamp")" ]; then exit 0; fi; \
fits='import sys; sys.exit(sys.version_info < (3, 11))'; \
if $(python) -c '' 2>/dev/null; then \
    $(python) -c "$$fits" || { \
        echo "$(VENV) holds a Python older than 3.11; remove that folder and run make again." >&2; exit 1; }; \
    $(python) -c 'import pip' 2>/dev/null || $(python) -m ensurepip >/dev/null; \
else \
    found=; bare=; \
    for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
        "$$candidate" -c "$$fits" 2>/dev/null || continue; \
        if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then found=$$candidate; break; fi; \
        bare=$$candidate; \
    done; \
    if [ -z "$$found" ] && [ -n "$$bare" ]; then \
        echo "$$bare lacks the venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
    fi; \
    if [ -z "$$found" ]; then \
        echo "Spectre Lens needs Python 3.11 or newer, and there is none on the PATH; install one," \
            "or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
    fi; \
    echo "Setting up a virtual environment in $(VENV) with $$found ..."; \
    if [ -e "$(VENV)/pyvenv.cfg" ]; then clear=--clear; else clear=; fi; \
    "$$found" -m venv $$clear "$(VENV)"; \
fi; \
if [ -e "$$stamp" ]; then \
    echo "The requirements have changed; bringing $(VENV) up to date ..."; \
else \
    echo "Installing $(2) into $(VENV) (once, some minutes: PyTorch is large) ..."; \
fi; \
touch "$$stamp.started"; \
$(python) -m pip install --quiet --disable-pip-version-check --no-input $(PIP_ARGS) -r $(firstword $(3)) || { \
    echo "The installation failed; pip says why above. Mend that, then run make again: it goes on from here." >&2; exit 1; }; \
mv "$$stamp.started" "$$stamp"; \
echo "Installed."
endef

install-run = $(call install,run,what the app needs,requirements.txt)
install-dev = $(call install,dev,what the app and its tests need,requirements-dev.txt requirements.txt)

help: ## Show this list
	@echo "Spectre Lens. Targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Serve the laboratory to a browser (PORT=8600 picks the port)
	$(install-run)
	@echo "Starting Spectre Lens. Open http://127.0.0.1:$(or $(PORT),8501) in a browser; Ctrl+C stops it."
	@$(if $(PORT),,echo "(Should that port be taken, the line below names the one in use.)";) \
	exec $(python) -m streamlit run dashboard/app.py $(if $(PORT),--server.port "$(PORT)")

test: ## Run the tests but the slow ones, two at a time (ARGS="-k whitening -x -n 0" goes to pytest)
	$(install-dev)
	@echo "Running the tests, some minutes ..."
	@exec $(python) -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

slow: ## Run the slow tests: whole visits in a browser, every page's further states, whole runs
	$(install-dev)
	@exec $(python) -m pytest -n 2 --dist loadfile -m slow $(ARGS)

check: ## Check style, format, types, the arrows between the wings of core, and advisories (ruff, mypy, import-linter, pip-audit)
	$(install-dev)
	@status=0; \
	echo "Style (ruff check) ...";           $(python) -m ruff check . || status=1; \
	echo "Format (ruff format --check) ..."; $(python) -m ruff format --check . || status=1; \
	echo "Types (mypy) ...";                 $(python) -m mypy || status=1; \
	echo "Arrows (import-linter) ...";       "$(VENV)/bin/lint-imports" --no-cache --no-logo || status=1; \
	echo "Advisories (pip-audit) ...";       $(python) .ci/advisories.py $(AUDIT_ARGS) || status=1; \
	exit $$status

sbom: ## Write sbom.json: what the app is made of, in CycloneDX
	$(install-dev)
	@exec $(python) .ci/sbom.py sbom.json

bench: ## Run every benchmark that needs nothing from you; the README's figures come from these
	$(install-run)
	@status=0; count=0; \
	for script in benchmarks/[!_]*.py; do \
	    [ -e "$$script" ] || continue; \
	    count=$$((count + 1)); \
	    echo "== $$script"; \
	    PYTHONPATH=. $(python) "$$script"; code=$$?; \
	    if [ $$code -eq 2 ]; then echo "$$script asks for more (see above): passed over"; \
	    elif [ $$code -ne 0 ]; then echo "$$script failed" >&2; status=1; fi; \
	done; \
	[ $$count -gt 0 ] || echo "There are no benchmarks yet: benchmarks/ holds no script."; \
	exit $$status

clean: ## Remove caches and build leftovers; keeps the environment, runs and data
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	@find core dashboard tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "Removed caches and build leftovers. Kept $(VENV), runs and data."
