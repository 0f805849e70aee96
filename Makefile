# `make run` and `make test` are all you need. What a step has to say goes to standard error, and no step reads
# standard input, so that `printf 'Hi\n' | make run` is a conversation and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# A release build takes as long as a dev build from nothing, and its turns are three times as fast (docs/benchmarks.md).
# `make run PROFILE=dev` shares what `make test` has built.
PROFILE ?= release
ARGS ?=

# A fresh Rust is not always in the path yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
# So that the program is where the next line says.
unexport CARGO_TARGET_DIR
program = target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/dramatis

# Without a model the program still works, so this never fails.
pull = models pull --if-missing </dev/null 1>&2 \
	|| echo 'setup: no embedding model: memory is searched by words only (see the message above)' >&2

.PHONY: help run test setup setup-test build models lint

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run: setup build models ## Install what is missing, build, and start (ARGS=… go to `dramatis run`)
	@exec $(program) run $(ARGS)

# Tests switch on more features of some dependencies: the program comes from the build of the tests, not from a second one.
test: setup-test ## Install what is missing, run every test and every lint
	@cargo test --all-targets --no-run </dev/null
	@target/debug/dramatis $(pull)
	@cargo test --all-targets </dev/null
	@cargo test --doc </dev/null
	@$(MAKE) lint

lint: ## Format, clippy, documentation, licences and known vulnerabilities of dependencies
	@cargo fmt --check </dev/null
	@cargo clippy --all-targets -- -D warnings </dev/null
	@RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items </dev/null
	@scripts/deny.sh </dev/null

setup: ## Install the system packages that are missing
	@scripts/setup.sh </dev/null 1>&2

setup-test: setup
	@scripts/setup-test.sh </dev/null 1>&2

build: setup
	@cargo build --profile $(PROFILE) </dev/null 1>&2

models: build ## Fetch the embedding model, when it is not there yet
	@$(program) $(pull)
