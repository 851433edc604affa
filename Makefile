# Thin: what each target does stands in tests/support, tests/bench and CMakePresets.json.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kasumori
PYTHON := $(CACHE)/venv/bin/python
PRESET ?= dev
JOBS ?= $(shell nproc)
export PATH := $(PATH):$(CACHE)/venv/bin:$(CACHE)/buf/node_modules/.bin
export KASUMORI_BUILD = $(CURDIR)/build/$(PRESET)
export PYTHONDONTWRITEBYTECODE := 1
ifneq ($(shell command -v ccache),)
export CMAKE_C_COMPILER_LAUNCHER := ccache
endif

bootstrap = @tests/support/bootstrap.sh
build = @cmake --preset $(1) >/dev/null && cmake --build --preset $(1) -j $(JOBS) $(2)
programs := --target kasumori kasumori-agent kasumori-aggregator kasumori-monitor

.PHONY: all demo demo-check test bench kills fuzz mutants properties faults soak format lint clean

# Build everything.
all:
	$(bootstrap)
	$(call build,$(PRESET))

# Private PostgreSQL and Kafka, five sites, synthetic traffic, the ledger; stays up until Ctrl-C.
demo:
	$(bootstrap)
	$(call build,$(PRESET),$(programs))
	@$(PYTHON) -m tests.support.demo

# The same, headless and finite: exits 0 only if the ledger balances.
demo-check:
	$(bootstrap)
	$(call build,$(PRESET),$(programs))
	@$(PYTHON) -m tests.support.demo --check

# Every test that needs no special hardware.
test:
	$(bootstrap) test
	@tests/support/test.sh

# The table of performance targets, each figure beside its limit from the same run.
bench: PRESET := release
bench:
	$(bootstrap)
	$(call build,release)
	@$(PYTHON) -m tests.bench.bench

# N rounds, each killing a random process in mid-stream and ending with the exact ledger.
kills: N ?= 100
kills:
	$(bootstrap)
	$(call build,$(PRESET),$(programs))
	@$(PYTHON) -m tests.support.kills --rounds $(N) $(if $(SEED),--seed $(SEED))

# Every decoder's fuzzer for SECONDS seconds each, from its corpus.
fuzz: FUZZ_S = $(or $(SECONDS),60)
fuzz:
	$(bootstrap) fuzz
	@tests/support/fuzz.sh $(FUZZ_S)

# Each deliberate one-line change of the correlator must be caught by the model or the examples, each
# of the monitor by its component tests.
mutants:
	$(bootstrap) test
	$(call build,$(PRESET),$(programs))
	@$(PYTHON) -m tests.model.mutants
	@$(PYTHON) -m tests.component.monitor.mutants

# N generated histories: the C core prints what the model prints, whatever the order of the facts.
properties: N ?= 100000
properties:
	$(bootstrap) test
	$(call build,$(PRESET),--target kasumori-correlate-dump)
	@$(PYTHON) -m tests.model.properties --count $(N) $(if $(SEED),--seed $(SEED))

# Each call that may fail made to fail, the n-th for every n; each crash point of the spool.
faults:
	$(bootstrap) test
	@tests/support/faults.sh

# MINUTES of steady load on the whole stack, then the ledger, the derived tables and the memory.
soak: MINUTES ?= 60
soak:
	$(bootstrap)
	$(call build,$(PRESET),$(programs))
	@$(PYTHON) -m tests.support.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

format:
	$(bootstrap) test
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-14 -i
	@ruff format . && ruff check --fix .

lint:
	$(bootstrap) test
	@tests/support/test.sh lint

clean:
	rm -rf build
