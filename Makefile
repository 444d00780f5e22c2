# The workbench in a few verbs: demo, test, lab; results and notebooks renew what the docs show. Each sets up what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
PEERS_READY := $(PEERS)/.ready
FIRST := notebooks/01_what_does_a_delay_do.ipynb
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
RUN_NOTEBOOKS := WORKBENCH_PROGRESS=0 $(BIN)/jupyter nbconvert --log-level=WARN --to notebook --execute \
	--ExecutePreprocessor.store_widget_state=False --ExecutePreprocessor.record_timing=False \
	--KernelManager.transport=ipc --KernelManager.ip=$$(mktemp -u)
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

NEW_ENOUGH := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "the workbench needs Python 3.11 or newer; call make PYTHON=...")'

# DATA=<folder> does the demo on the N-MNIST recordings in that folder instead of the embedded sets
DATA ?=

# SWEEP="--executor tcp://<scheduler of dask>:8786 --store <folder>" measures results and conversion on a cluster
SWEEP ?=

# threads that wait for each other leave the processor to other processes meanwhile, whoever imports torch first
demo test lab notebooks: export OMP_WAIT_POLICY := passive

# tests of one file run one after the other, several files side by side
SIDE_BY_SIDE := --numprocesses=logical --maxprocesses=4 --dist=loadfile

.PHONY: demo test soak lab results learning conversion recordings gallery panels engine training devices exchange graphs scale architecture notebooks lint browser clean

demo: $(READY)
	@$(BIN)/python -m workbench --out build $(if $(DATA),--data "$(DATA)")
	@echo && echo "Executing $(words $(NOTEBOOKS)) notebooks (20 seconds to 3 minutes each on two cores, by how busy they are):"
	@for notebook in $(NOTEBOOKS); do \
		printf '  %s ... ' "$$notebook"; begin=$$(date +%s); \
		$(RUN_NOTEBOOKS) --output-dir build "$$notebook" || exit 1; \
		echo "$$(($$(date +%s) - begin)) s"; \
	done
	@echo "Executed notebooks: $(CURDIR)/build/*.ipynb"
	@echo "Report, to open in a browser: $(CURDIR)/build/report.html"

test: $(READY) browser lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --durations=25
	WORKBENCH_PROGRESS=0 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --durations=5 --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
		--nbval-sanitize-with tests/nbval.cfg -p no:cacheprovider notebooks

# what make test does a part of, in full: broken files, kills, panels opened and closed, all seeds of every law (hours)
soak: $(READY) browser
	$(BIN)/python -m pytest --soak $(SIDE_BY_SIDE) --durations=25

lab: $(READY)
	$(BIN)/jupyter lab --ip=127.0.0.1 $(ROOT_FLAG) $(FIRST)

# the numbers in docs/results.md (five seeds, and the matching law) and the pictures of the README
results: $(READY)
	$(BIN)/python -m benchmarks.results $(SWEEP)
	$(BIN)/python -m benchmarks.pictures

# what training reaches, with DATA=<folder> on N-MNIST too: its part of docs/results.md
learning: $(READY)
	$(BIN)/python -m benchmarks.learning $(if $(DATA),--data "$(DATA)")

# what conversion loses and what each option does, five seeds: docs/conversion.md
conversion: $(READY)
	$(BIN)/python -m benchmarks.conversion $(SWEEP)

# who reads which files, how fast, and what a part of N-MNIST teaches (DATA=<folder>, CARS=<file.dat>): docs/recordings.md
recordings: $(READY)
	$(BIN)/python -m benchmarks.recordings $(if $(DATA),--data "$(DATA)") $(if $(CARS),--cars "$(CARS)")

# every figure and panel as a picture: docs/gallery.md
gallery: $(READY) browser
	$(BIN)/python -m benchmarks.gallery

# how fast and how heavy the panels are, in a browser: docs/panels.md
panels: $(READY) browser
	$(BIN)/python -m benchmarks.panels --loads 50

# how fast the engine is, beside four published peers and the bare convolutions, and what it depends on: docs/engine.md
# with the choice of "auto", the verbs around a conversion, and the whole job from loading to an accuracy
# (its pictures need the browser that `make browser` looks for; without one the page says so)
engine: $(PEERS_READY)
	$(PEERS)/bin/python -m benchmarks.engine

# how fast a step of training is, and what it keeps, beside loops written by hand: docs/training.md
training: $(READY)
	$(BIN)/python -m benchmarks.training

# what a second process gains a training, and that it learns the same: its part of docs/devices.md
devices: $(READY)
	$(BIN)/python -m benchmarks.devices

# what other simulators make of files of NIR, and what weights of few bits cost: docs/exchange.md
exchange: $(PEERS_READY)
	$(PEERS)/bin/python -m benchmarks.exchange

# how time grows with the number of edges, up to 20,000: docs/graphs.md
graphs: $(READY)
	$(BIN)/python -m benchmarks.graphs

# what goes beyond one machine: sweeps on two workers and on a cluster of dask on the loopback, a training on paper, and
# the memory that data take, with DATA=<folder> on N-MNIST too: docs/scale.md
scale: $(READY)
	$(BIN)/python -m benchmarks.scale $(if $(DATA),--data "$(DATA)")

# the picture of the wings, made from the imports, and the path of a recording: docs/architecture.md
architecture: $(READY) browser
	$(BIN)/python -m benchmarks.architecture

# the notebooks as they are committed: executed, with a still of every figure, without the state of their widgets
notebooks: $(READY) browser
	$(RUN_NOTEBOOKS) --inplace $(NOTEBOOKS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the browser tests take the system's Chromium, or Debian's where we may install it
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium chromium-driver; } \
		|| { echo "The browser tests need Chromium: install your system's package (Debian: chromium chromium-driver)."; exit 1; }

clean:
	rm -rf build .mypy_cache .pytest_cache .ruff_cache

# a line for each step; what is said meanwhile is in a file, whose end is shown where something fails
LOG := build/install.log
QUIETLY = >> $(LOG) 2>&1 || { tail -n 20 $(LOG); echo "That failed; all of it is in $(CURDIR)/$(LOG)"; exit 1; }

$(READY): pyproject.toml constraints.txt
	@$(NEW_ENOUGH)
	@mkdir -p $(dir $(LOG)) && : > $(LOG)
	@echo "Making an environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) $(QUIETLY)
	@echo "Installing into it about 2 GB (up to 8 minutes on a machine of two cores; log: $(LOG)) ..."
	@$(BIN)/python -m pip install --constraint constraints.txt --editable '.[lab,dev]' $(QUIETLY)
	@echo "Setting up JupyterLab ..."
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false},' \
		'"@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": true}}' \
		> $(VENV)/share/jupyter/lab/settings/overrides.json
	@cp -r share/jupyter/labextensions $(VENV)/share/jupyter/
	@cp workbench/figures/*.js $(VENV)/share/jupyter/labextensions/workbench/static/
	@touch $@

# the peers of the engine in an environment of their own, which holds nothing else that they would disturb
$(PEERS_READY): pyproject.toml constraints.txt benchmarks/engine/requirements.txt
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --constraint constraints.txt --editable . kaleido
	$(PEERS)/bin/python -m pip install --constraint constraints.txt --no-deps --requirement benchmarks/engine/requirements.txt
	touch $@
