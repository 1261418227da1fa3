# The two commands a newcomer needs are `make demo` and `make test`; both install what is missing.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
BUILD := build/release
JOBS ?= $(shell nproc)
MODELS := models
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help deps build python test test-quick test-cpp test-python demo bench format lint tools-installed asan tsan clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

deps: ## system packages (apt, when root or sudo) and a Python environment in .venv
	@tools/install_deps.sh $(VENV)

build: deps ## the C++ library, command line tool and tests
	@cmake --preset release -DTENFOLD_BUILD_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON) > build/configure.log 2>&1 || (cat build/configure.log; exit 1)
	@cmake --build --preset release -j $(JOBS) $(addprefix --target ,$(TARGETS))

python: build ## the Python package, importable in .venv
	@tools/link_python.sh $(PYTHON) $(BUILD)

test: build python ## every test: C++ first, then Python on real models
	@$(MAKE) --no-print-directory test-cpp
	@$(MAKE) --no-print-directory lint-layers
	@$(PYTHON) -m tools.zoo --out $(MODELS)
	@TENFOLD_MODELS=$(MODELS) $(PYTHON) -m pytest -q tests/zoo tests/python

test-quick: build python ## the loop while developing: under two minutes
	@$(MAKE) --no-print-directory test-cpp
	@TENFOLD_MODELS=$(MODELS) $(PYTHON) -m pytest -q -m "not slow" tests/python

test-cpp:
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

.PHONY: lint-layers
lint-layers:
	@$(PYTHON) tools/check_layers.py

demo: TARGETS := tenfold _core
demo: build python ## the main job on a real model: PP-OCRv4 recognition, optimized and proven
	@tools/demo.sh $(BUILD) $(MODELS)

bench: build python ## peers interleaved with tenfold on every model; writes bench/RESULTS-<isa>.md and RESULTS.md
	@$(PYTHON) -m tools.zoo --out $(MODELS)
	@$(PYTHON) -m bench.run --models $(MODELS)

tools-installed:
	@tools/install_deps.sh $(VENV) clang-format-14 clang-tidy-14

format: tools-installed ## clang-format and ruff in place
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 -i
	@$(VENV)/bin/ruff format -q python tools tests bench

# clang-tidy cannot read the headers that GCC precompiled; without them it reads the sources as they are.
lint: tools-installed lint-layers ## layers, clang-tidy on what changed, ruff, mypy
	@$(VENV)/bin/ruff check python tools tests bench
	@$(VENV)/bin/mypy python/tenfold
	@mkdir -p $(BUILD)/lint && sed -E 's/-Winvalid-pch//; s/-include [^ ]*cmake_pch\.hxx//' $(BUILD)/compile_commands.json > $(BUILD)/lint/compile_commands.json
	@git diff --name-only --diff-filter=d HEAD~1 -- '*.cpp' | grep -v kernels/isa | xargs -r clang-tidy-14 -p $(BUILD)/lint --quiet

asan: ## C++ tests under AddressSanitizer and UBSan
	@cmake --preset asan > /dev/null && cmake --build --preset asan -j $(JOBS) && ctest --test-dir build/asan --output-on-failure

tsan: ## thread pool and session tests under ThreadSanitizer
	@cmake --preset tsan > /dev/null && cmake --build --preset tsan -j $(JOBS) --target base_test exec_test && ctest --test-dir build/tsan -R 'base|exec' --output-on-failure

clean: ## everything that was built
	@rm -rf build $(MODELS) out
