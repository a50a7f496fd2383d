# Everything runs in .venv, which `make` builds by itself from Python alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: tools demo test test-unit test-integration lint docs bench bench-tune fuzz lock
.DEFAULT_GOAL := test

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 12) else f"make: this is Python {v[0]}.{v[1]}; this repository needs 3.11 or 3.12 (the embedded tritonserver needs numpy < 2 and so at most 3.12, the example'"'"'s dashboards Grafana'"'"'s SDK and so 3.11). Say which: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)           ## build, serve and query the flagship
	$(BIN)/python examples/demo.py

# Three processes side by side, since most wait for servers, then what must run alone. What fails, as
# on a machine that stops for others, is run once more by itself: it passes then, or the whole
# fails. Both runs are shown.
AGAIN := --last-failed --last-failed-no-failures none
test: lint               ## everything CI runs
	@failed=0; \
	$(BIN)/python -m pytest -m "not alone" -n 3 --dist loadfile || \
	  $(BIN)/python -m pytest -m "not alone" $(AGAIN) || failed=1; \
	$(BIN)/python -m pytest -m alone || $(BIN)/python -m pytest -m alone $(AGAIN) || failed=1; \
	exit $$failed

test-unit: $(READY)      ## seconds
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/unit tests/cases tests/golden tests/contract

test-integration: $(READY)
	$(BIN)/python -m pytest tests/integration

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tritongen build spec.yaml --check

tools:                   ## Chromium, Prometheus, Alertmanager, HAProxy: tests are skipped without them (Debian, as root)
	apt-get update -qq
	apt-get install --yes -qq --no-install-recommends \
	  chromium chromium-driver prometheus prometheus-alertmanager haproxy >/dev/null

docs: $(READY)           ## regenerate docs/reference, build the site into .site
	$(BIN)/python docs/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY)          ## every figure of the README, paired against the machine's noise
	$(BIN)/python -m benchmarks

bench-tune: $(READY)     ## the tuner held to what was measured: goes on with benchmarks/measured
	$(BIN)/python -m benchmarks tune tune_simulated

FUZZ_ROUNDS ?= 40
fuzz: $(READY)           ## a quarter of an hour: random specs, files, ensembles and models, these against a real Triton
	FUZZ_ROUNDS=$(FUZZ_ROUNDS) FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest --timeout 7200 \
	  tests/unit/fuzz tests/integration/test_truth.py -k "not rule"

lock: $(READY)           ## renew requirements/dev.txt: versions and hashes, no index address
	$(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --quiet --upgrade --group dev --extra embedded --extra example \
	  pyproject.toml -o requirements/dev.txt
