# Every target does its own set-up; on a fresh machine Python 3.11+ and make are enough.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-all test-deep check docs bench bench-check storm threat-model operate rules image sbom image-check fresh-check lock clean

# Some machines forbid Python to keep what it compiled; each of some hundred started processes would
# then compile the bot anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
DAYS ?= 30
# Stages of `make storm`: what is timed has the machine to itself.
TIMED := $(addprefix tests/faults/test_,storm.py matrix_load.py matrix_processes.py)
KILLS := tests/faults/test_crash_points.py tests/faults/test_crash_points_on_servers.py
DISKS := tests/faults/test_power_loss.py tests/faults/test_disk_trouble.py
# Three workers for two processors: many long tests wait rather than work.
PYTEST := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=10 --durations-min=1
# More for pytest, such as: make test ARGS="tests/content -k slots"
ARGS ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that running and testing need
	@sh tools/setup.sh test

run: ## Rehearse the coming 30 days of the campaign; nothing leaves the machine (DAYS=7 for fewer)
	@sh tools/setup.sh run
	@$(BIN)/python run_bot.py rehearse --days $(DAYS)

test: ## Run all that a change can break but the docs, in some minutes (ARGS="..." is handed to pytest)
	@sh tools/setup.sh test
	@# Not tests/docs: `make check` runs them.
	@$(PYTEST) -m "not slow and not deep" --ignore=tests/docs $(ARGS)

test-all: ## Run the tests, and what is deeper than each change needs
	@sh tools/setup.sh test
	@$(PYTEST) -m "not slow" $(ARGS)

test-deep: ## Run only what `make test` leaves to `make test-all`
	@sh tools/setup.sh test
	@$(PYTEST) -m "deep and not slow" $(ARGS)

check: ## Check format, lint, types, imports and docs
	@sh tools/setup.sh test
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/docs

docs: ## Check that the docs are true and their links lead somewhere
	@sh tools/setup.sh test
	@$(BIN)/pytest tests/docs

bench: ## Measure what all costs beside what one would use instead (half an hour; ONLY=title: a section); writes docs/benchmarks.md
	@sh tools/setup.sh test
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only "$(ONLY)")

bench-check: ## Measure again, and name what got worse by more than a fifth
	@sh tools/setup.sh test
	@$(BIN)/python -m benchmarks --check $(if $(ONLY),--only "$(ONLY)")

storm: export FAULTS_KEPT = .build/faults.jsonl
storm: export FAULTS_REPORT = docs/reliability.md
storm: export VARIATION_SEED = $(shell date +%s)
storm: ## Run every fault, crash and storm there is (two hours), and write docs/reliability.md
	@sh tools/setup.sh test
	@mkdir -p .build && rm -f $(FAULTS_KEPT)
	@# Each stage adds to the page, so that one that is cut short loses only its own.
	@failed=0; \
	$(BIN)/pytest -n 0 -m "slow or not slow" $(TIMED) || failed=1; \
	for stage in "$(addprefix --ignore=,$(TIMED) $(KILLS) $(DISKS)) tests/faults" "$(KILLS)" \
		"$(DISKS) tests/property/test_delivery_machine.py"; do \
		$(BIN)/pytest -n 2 --dist worksteal -m "slow or not slow" $$stage || failed=1; \
	done; \
	exit $$failed

threat-model: ## Run every attack there is, and write docs/threat-model.md
	@sh tools/setup.sh test
	@THREAT_MODEL=docs/threat-model.md $(BIN)/pytest -n 0 -m "slow or not slow" tests/attacks

rules: ## Write docs/rules.md: every rule of `check` with what is wrong and what is right
	@RULES_PAGE=docs/rules.md $(BIN)/pytest -q -n 0 tests/mistakes -k page

operate: ## Inject each fault into a bot at work, in the image too after `make image-check`; writes docs/operability.md
	@sh tools/setup.sh test
	@OPERABILITY=docs/operability.md IMAGE_TREE=$$(readlink -e .build/image/tree) \
		$(BIN)/pytest -n 0 tests/operations

VERSION = $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' bot/__init__.py)
IMAGE ?= verbatim:$(VERSION)
PLATFORMS ?= linux/amd64,linux/arm64
# SOURCE is the address of the repository; OUTPUT where it goes: the builder's cache, unless e.g. OUTPUT=--push or OUTPUT=--output=type=oci,dest=FILE
SOURCE ?=
OUTPUT ?=
image: ## Build the image for amd64 and arm64 with its labels (see docs/releasing.md); needs Docker
	docker buildx build --platform $(PLATFORMS) --tag $(IMAGE) --build-arg VERSION=$(VERSION) \
		--build-arg COMMIT=$$(git rev-parse HEAD) \
		--build-arg CREATED=$$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ) \
		--build-arg SOURCE=$(SOURCE) $(OUTPUT) .

sbom: ## Write .build/verbatim-VERSION.cdx.json: what the image's Python packages are (CycloneDX)
	@sh tools/setup.sh test
	@$(BIN)/python -m tools.sbom

image-check: ## Build the container image and run it; needs root, buildah, debootstrap (not in `make test`)
	@sh tools/image_check.sh

fresh-check: ## Prove `make run` and `make test` on bare Debian roots; needs root, debootstrap
	@sh tools/fresh_check.sh

lock: ## Pin requirements/*.in anew, with hashes, leaving out releases younger than a week
	@sh tools/lock.sh

clean: ## Remove what was installed and made here (never data/)
	rm -rf .venv .build .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	rm -rf tests/*/node_modules tests/*/*/node_modules
