# make demo    shows a network becoming flows, in one process, without any server
# make test    runs everything that must hold, real servers included (root: real packets as well)
# make lint    format, lint and types
# make bench   what docs/performance.md's numbers come from
# make clean   removes what make made
#
# VENV=DIR puts the virtual environment elsewhere; PYTHON=python3.x takes another interpreter (3.11 or later).

VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
SHELL  := /bin/bash
PYTEST_ARGS ?= --numprocesses auto --dist loadgroup

# Byte code and loaded rules are kept beside the sources, so that daemons start at once.
COMPILING := env -u PYTHONDONTWRITEBYTECODE

PACKAGES := openvswitch-switch ovn-central ovn-host iproute2 iputils-ping procps openssl udhcpc

# A strict editable install holds the files it was made with and no others, so it is made again whenever a file
# comes or goes. What is in the files needs no new install.
LISTING := $(shell find engine io cli rules -type f ! -name '*.pyc' | LC_ALL=C sort)

.PHONY: all demo test lint format bench clean constraints servers FORCE
all: test

demo: $(VENV)/installed
	@$(BIN)/ovn-rules demo

test: $(VENV)/installed servers
	$(BIN)/pytest $(PYTEST_ARGS)

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed servers
	@set -e; for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

servers:
	@scripts/debian-packages $(PACKAGES)

$(VENV)/installed: $(VENV)/dependencies $(VENV)/listing pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=strict --editable .
	@$(COMPILING) $(BIN)/python -c 'import compileall, ovn_rules; [compileall.compile_dir(p, quiet=1) for p in ovn_rules.__path__]'
	@$(COMPILING) $(BIN)/ovn-rules check --program ovn > /dev/null
	@touch $@

# setuptools first: what comes as source is built with it, and not with one fetched unpinned for the purpose.
$(VENV)/dependencies: $(VENV)/made constraints.txt
	$(PIP) install $$(grep '^setuptools==' constraints.txt)
	$(PIP) install --no-build-isolation --requirement constraints.txt
	@touch $@

# To take newer versions: install them with $(BIN)/pip, run the tests, then this.
constraints: $(VENV)/installed
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/pip --disable-pip-version-check freeze --all --exclude-editable \
	    --exclude pip --exclude ovn-rules; } > constraints.new && mv constraints.new constraints.txt

$(VENV)/listing: $(VENV)/made FORCE
	@printf '%s\n' $(CURDIR) $(LISTING) | cmp --quiet - $@ || printf '%s\n' $(CURDIR) $(LISTING) > $@

$(VENV)/made:
	@scripts/make-venv "$(PYTHON)" "$(VENV)"
	@touch $@
