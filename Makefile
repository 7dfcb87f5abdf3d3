# Where it is set, every run of ours would compile every module of ours anew, and every measurement would count that.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-down test lint bench

help:
	@echo "make demo       bring up the hub, New Jersey and Singapore in a cloud in a box, and verify them"
	@echo "make demo-down  remove all of it"
	@echo "make test       every test: unit, base, parts, program, engine, servers, lab (LEVELS='unit program' for some)"
	@echo "make lint       style, types, direction of imports"
	@echo "make bench      ratios against peers, into bench/results.json and docs/benchmarks.md"

setup:
	@tools/setup

demo: setup
	@.venv/bin/fleet demo up

demo-down: setup
	@.venv/bin/fleet demo down

test: setup
	@tools/packages
	@.venv/bin/python -m fleet.engine >/dev/null
	@.venv/bin/python tools/test $(LEVELS)

lint: setup
	@tools/lint

bench: setup
	@.venv/bin/python -m bench
