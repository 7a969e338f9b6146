# Every target makes what it needs; only Python, make and a network are assumed.
# `make test args="-k filters"` hands more arguments to the command behind a target.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
args ?=

.PHONY: demo library test prove check bench docs clean
.NOTPARALLEL: # one pip at a time

# Import a real atlas, then serve it.
demo: $(VENV)/with-atlas,serve
	$(RUN) examples.atlas $(args)

# Serve a library that lends books, with users who log in.
library: $(VENV)/with-library,serve
	$(RUN) examples.media_library $(args)

# The whole suite, proofs in their reduced form, coverage measured against its floor.
test: $(VENV)/with-test,servers,postgres,mongo,objects,atlas,library,serve,bench
	rm -f .coverage .coverage.*
	$(RUN) coverage run -m pytest -n 3 $(args)
	$(RUN) coverage combine --quiet
	$(RUN) coverage report

# The same tests in their full form, for as long as they need, one at a time: the figures they
# write into bench/results/ are not to be shared with a neighbour.
prove: $(VENV)/with-test,servers,postgres,mongo,objects,atlas,library,serve,bench
	BACKO_PROVE=1 $(RUN) pytest $(args)

# What can be said without running the code: form, types, layers.
check: $(VENV)/with-lint,test,postgres,mongo,objects,atlas,library,serve,bench
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) pytest -qq tests/test_layers.py

bench: $(VENV)/with-bench,servers,postgres,atlas,serve
	$(RUN) bench --store sqlite --store postgres $(args)
	$(RUN) bench --growth --store sqlite --store postgres $(args)

# Warnings are errors. Open build/docs/index.html afterwards.
docs: $(VENV)/with-docs,postgres,mongo,objects
	$(RUN) sphinx --fail-on-warning --fresh-env docs build/docs

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# .venv/with-<extras>: the package, editable, with these extras; redone when pyproject.toml changes.
$(VENV)/with-%: pyproject.toml | $(VENV)/made
	$(RUN) pip install --quiet --editable '.[$*]'
	@touch $@

$(VENV)/made:
	$(PYTHON) -m venv $(VENV)
	@touch $@
