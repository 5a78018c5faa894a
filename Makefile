# One command per job. Each installs what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test chaos chaos-ci test-chaos test-python bench bench-rpc bench-counts bench-against build lint format clean packages fuzz fuzz-nightly fuzz-broker sanitize proof proof-full sim sim-planted

sources := Sources Tests Package.swift chaos bench/Package.swift bench/Sources bench/grpc/Package.swift bench/grpc/Sources \
	fuzz/Package.swift fuzz/Sources
venv := .build/python-venv

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: packages ## run a flash sale on a local cluster of real processes
	swift build -c release --product stampede
	.build/release/stampede demo

chaos: packages ## attack a cluster in 23 episodes across all nemeses, and judge the promises
	deploy/install-packages.sh gcc strace
	swift build -c release --product stampede
	.build/release/stampede chaos --episodes 23 $(CHAOS)

chaos-ci: packages ## the same in three short episodes
	swift build -c release --product stampede
	.build/release/stampede chaos --plan kill-owner --plan pause-in-commit --plan postgres-stop $(CHAOS)

test: build lint $(venv)/ready ## build, lint, and run every test
	deploy/install-packages.sh rabbitmq-server
	swift test --no-parallel
	$(MAKE) test-chaos
	$(MAKE) test-python

test-chaos: $(venv)/ready ## plant violations and see that the chaos checker finds them
	$(venv)/bin/ruff check chaos
	$(venv)/bin/ruff format --check chaos
	$(venv)/bin/python -B -m pytest --quiet -p no:cacheprovider chaos

test-python: $(venv)/ready ## test the Python client on its fake server and on the built cluster
	@binary=$${STAMPEDE_BINARY:-.build/debug/stampede}; test -x "$$binary" || { echo "There is no $$binary: run make build, or set STAMPEDE_BINARY to a built stampede." >&2; exit 1; }
	cd clients/python && ../../$(venv)/bin/ruff check && ../../$(venv)/bin/ruff format --check && ../../$(venv)/bin/mypy
	cd clients/python && ../../$(venv)/bin/python -m pytest --quiet

fuzz-broker: build ## attack a live broker with raw bytes for FUZZ_SECONDS (600), from a new seed
	STAMPEDE_FUZZ_SECONDS=$${FUZZ_SECONDS:-600} STAMPEDE_FUZZ_SEED=$${FUZZ_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} \
		swift test --no-parallel --filter BrokerFuzzTests

sanitize: packages ## test the broker under ThreadSanitizer and AddressSanitizer
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 swift test --no-parallel --sanitize=thread --scratch-path .build/tsan --filter '^BrokerTests\.'
	ASAN_OPTIONS=detect_leaks=0 swift test --no-parallel --sanitize=address --scratch-path .build/asan --filter '^BrokerTests\.'

proof: ## check the model of lease, fence and batch in every order of its steps, and refute its bugs
	@deploy/install-packages.sh spin gcc
	@proof/check

proof-full: ## the same, and larger configurations, a few minutes each
	@deploy/install-packages.sh spin gcc
	@proof/check --full

sim: packages ## run 2,000 simulated clusters (SEEDS=n for more, FIRST=n to begin elsewhere)
	swift build -c release --product simulate
	.build/release/simulate seeds --seeds $${SEEDS:-2000} --first $${FIRST:-1}

sim-planted: packages ## plant each known bug in turn and see how soon the simulation finds it
	swift build -c release --traits PlantedBugs --scratch-path .build/planted --product simulate
	.build/planted/release/simulate planted

bench: packages ## measure what an order costs in each part, without I/O
	swift build -c release --package-path bench
	bench/.build/release/cores

bench-rpc: packages ## compare calls with libzmq in C and with grpc-swift 2; fails below bench/thresholds.json
	swift build -c release --product stampede
	swift build -c release --package-path bench
	swift build -c release --package-path bench/grpc
	cd bench && .build/release/rpc $(RPC)

bench-counts: packages ## count instructions per operation and compare with the last commit
	@command -v valgrind >/dev/null || { echo "Install valgrind to count instructions." >&2; exit 1; }
	swift build -c release --product stampede
	swift build -c release --package-path bench
	cd bench && .build/release/counts ../.build/release/stampede counts.json

bench-against: packages ## compare orders a second with COMMIT, by turns; fails below 0.9 of it
	bench/against $(COMMIT)

fuzz: packages ## fuzz every reader of a peer's bytes, half a minute each
	fuzz/run 30

fuzz-nightly: packages ## the same, ten minutes each, keeping what reaches new code
	fuzz/run 600 --keep

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
	$(venv)/bin/pip install --quiet --disable-pip-version-check --editable 'clients/python[test]' mypy==2.4.1 ruff==0.17.6 opentelemetry-sdk==1.45.2 aiosmtpd==1.4.6
	@touch $@

packages:
	@command -v swift >/dev/null || { echo "Swift is not installed: put a toolchain of version 6.3 or later (https://www.swift.org/install/linux) into PATH." >&2; exit 1; }
	@deploy/install-packages.sh
