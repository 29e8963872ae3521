# The everyday commands. Each does its own set-up, so a fresh clone needs nothing but
# python3 >= 3.11 and make; deploy/setup.sh says in one line what it can not get.

.DEFAULT_GOAL := help
.PHONY: help demo test crash lint bench bench-camera bench-rules vectors

SETUP := sh deploy/setup.sh
BIN := .venv/bin

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

demo: ## everything on one machine, no server needed; DEMO_ARGS="--for 30s" ends by itself
	@$(SETUP) demo
	@$(BIN)/gridwarden demo $(DEMO_ARGS)

test: ## all tests on real servers, which it installs; TEST_ARGS="tests/rules -k smoke" picks some
	@$(SETUP) test
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(TEST_ARGS)

crash: ## the crash tests with many more kills than `make test` has time for: about 15 minutes
	@$(SETUP) test
	@GRIDWARDEN_CRASH_ROUNDS=4000 GRIDWARDEN_KILLS=450 $(BIN)/python -m pytest -n 3 tests/crash tests/store/test_crash.py

lint: ## formatting, style, types and import directions
	@$(SETUP) lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

vectors: ## published payloads through our decoders: passed, failed, not claimed; VECTORS_ARGS="FOLDER -v"
	@$(SETUP) lint
	@$(BIN)/python -m tests.vectors $(VECTORS_ARGS)

bench: ## speed and memory as a table; BENCH_ARGS picks rows
	@$(SETUP) test
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

bench-camera: ## motion found on recordings with ground truth, beside frame differencing and MOG2
	@$(SETUP) test
	@$(BIN)/python -m tests.bench.camera $(BENCH_ARGS)

bench-rules: ## what the rule packs find in labelled recordings, and make up; BENCH_ARGS="smoke home --json"
	@$(SETUP) lint
	@$(BIN)/python -m tests.bench.rules_quality $(BENCH_ARGS)
