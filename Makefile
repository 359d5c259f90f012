# Two doors: `make demo` and `make test`. Each makes the virtual environment that it needs, once.
PYTHON ?= python3
VENV ?= .venv

.PHONY: demo test clean

demo: $(VENV)/.plots
	MPLBACKEND=Agg $(VENV)/bin/python examples/nile.py

test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 2

clean:
	rm -rf $(VENV) out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.plots: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[plots]'
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.plots
