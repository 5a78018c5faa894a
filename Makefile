# One command per job. Each installs what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test test-python bench build lint format clean packages

sources := Sources Tests Package.swift bench/Package.swift bench/Sources
venv := .build/python-venv

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: packages ## run a flash sale on a local cluster of real processes
	swift build -c release --product stampede
	.build/release/stampede demo

test: build lint ## build, lint, and run every test
	swift test --no-parallel
	$(MAKE) test-python

test-python: $(venv)/ready ## test the Python client on its fake server and on the built cluster
	@binary=$${STAMPEDE_BINARY:-.build/debug/stampede}; test -x "$$binary" || { echo "There is no $$binary: run make build, or set STAMPEDE_BINARY to a built stampede." >&2; exit 1; }
	cd clients/python && ../../$(venv)/bin/ruff check && ../../$(venv)/bin/ruff format --check && ../../$(venv)/bin/mypy
	cd clients/python && ../../$(venv)/bin/python -m pytest --quiet

bench: packages ## measure what an order costs in each part, without I/O
	swift run -c release --package-path bench cores

build: packages ## build everything, unoptimised
	swift build

lint: packages ## check the style, strictly
	swift format lint --strict --recursive --parallel $(sources)

format: packages ## rewrite the sources in the style
	swift format --in-place --recursive --parallel $(sources)

clean: ## remove what was built
	rm -rf .build

# The tools are pinned, so that a newer one's opinion breaks no old commit.
$(venv)/ready: clients/python/pyproject.toml Makefile
	@python3 -m venv $(venv) || { echo "Python 3.10 or later with its venv module is needed: apt-get install python3-venv" >&2; exit 1; }
	$(venv)/bin/pip install --quiet --disable-pip-version-check --editable 'clients/python[test]' mypy==2.4.1 ruff==0.17.6
	@touch $@

packages:
	@command -v swift >/dev/null || { echo "Swift is not installed: put a toolchain of version 6.3 or later (https://www.swift.org/install/linux) into PATH." >&2; exit 1; }
	@deploy/install-packages.sh
