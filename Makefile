# The commands of the lab, for Linux and macOS; `make help` lists them. They are thin: `python -m labs` does the work.
# The first command that needs it makes a Python environment in .venv; nothing outside this folder changes.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh
unexport PYTHONHOME PYTHONPATH

SUBMISSION ?= skeleton
export REV SUBMISSION SUBMISSIONS ROSTER HOSTS SEED RUNS TEST JOBS JSON FILE SERVER KIND FROM TO PYTHON STAGE SEEDS ONLY OUT ALIAS STEP WITH TIME NAME EXHAUSTIVE

STAGES := warmup 2A 2B 2C 2D
LABS := .venv/bin/python -m labs
CHOSEN := --submission "$$SUBMISSION" $${SEED:+--seed "$$SEED"} $${HOSTS:+--hosts "$$HOSTS"}
COUNTED := $${RUNS:+--runs "$$RUNS"} $${TEST:+--test "$$TEST"} $${JOBS:+--jobs "$$JOBS"} $${JSON:+--json "$$JSON"}
STEPPED := $${STEP:+--step "$$STEP"}
RERUN := $${RUNS:+--runs "$$RUNS"} $${JOBS:+--jobs "$$JOBS"}
FOUND := --submission "$$SUBMISSION" $${HOSTS:+--hosts "$$HOSTS"}
SHOWN := $${SERVER:+--server "$$SERVER"} $${KIND:+--kind "$$KIND"} $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"}
VERBOSE := $(if $(filter-out 0,$(V)),--verbose)
BENCHED := $(if $(filter-out file default,$(origin SUBMISSION)),--submission "$$SUBMISSION")
TYPED := $(sort $(dir $(wildcard $(addsuffix /*.py,labs skeleton reference grader handouts tests))))
SCRIPTS := scripts/setup.sh .ci/bare .ci/run grader/release/gradescope/run_autograder grader/release/gradescope/setup.sh
LINT := failed=; \
    .venv/bin/python -m ruff check --quiet . || failed="$$failed, ruff check"; \
    .venv/bin/python -m ruff format --check --quiet . || failed="$$failed, ruff format"; \
    .venv/bin/python -m mypy --no-error-summary $(TYPED) || failed="$$failed, mypy"; \
    (PATH="$$PWD/.venv/bin:$$PATH"; ! command -v shellcheck >/dev/null || shellcheck $(SCRIPTS)) || failed="$$failed, shellcheck"; \
    .venv/bin/lint-imports --no-cache --no-logo >.venv/imports.log || { cat .venv/imports.log; failed="$$failed, import contracts"; }; \
    [ -n "$$failed" ] || echo "lint passed"

define HELP
A course lab for Raft. You write raft.py in skeleton/; these commands try it.

  make test-warmup  a finished server to read, run and break first
  make test-2A      drills and tests of a stage, 2A to 2D;  RUNS=20 SEED=7
  make test         all four stages;  STAGE="2A 2B" for some of them
  make drills       one server, one rule of the paper each;  STAGE=2B STEP=3
  make again        what failed last, then fresh seeds of what passes now
  make watch        that on every save, until Ctrl-C;  STAGE=2A
  make replay       one run again, and its end:  TEST=2C/figure_8 SEED=17
  make trace        the whole run;  or FILE=;  SERVER=0,2 KIND=send FROM=1 TO=2
  make page         a run as a diagram in the browser;  or FILE=
  make diff         two runs side by side;  WITH=another seed, server or trace
  make play         your servers live in the browser;  TEST=, FILE=, STAGE=2B
  make explore      looks for faults that break your server:  STAGE=2C TIME=60
  make shrink       makes a run that fails small:  TEST=2C/figure_8 SEED=17
  make keep         what was found last becomes a test of yours:  NAME=word
  make test-perf    what your server costs, beside the reference;  STAGE=2B
  make list         the names of all tests, with points
  make submit       packs what you hand in, and checks it: out/raft.zip
  make handouts     the handouts as a site with search, in out/site
  make demo-byzantine, make demo-stale-read    what Raft cannot do
  make setup, make clean    makes .venv; removes it, and out/
Options of most:  SUBMISSION=folder TEST=name,name JOBS=2 HOSTS=process V=1
handouts/commands.md has every target with all of its options.

For work on the lab itself
  make demo          the stages against the reference, and known-wrong servers
  make demo-class    a made-up class of 60, graded, with its page; takes long:
                     try ONLY=2A/ RUNS=1 first;  OUT=folder
  make check         lint, types, and the lab's own tests
  make lint          only lint and types
  make grade         points by the rubric, for SUBMISSION="one.zip two/";
                     OUT=folder RUNS=1 JOBS=2;
                     more: .venv/bin/python -m grader --help
  make grade-class   points for a class: SUBMISSIONS=its folder, OUT=folder
                     ROSTER=file.csv RUNS=1 JOBS=2; stopped, it goes on
  make release       what students get, as a folder and a tar.gz;  OUT=folder
  make nightly       the long campaigns, of which make check runs a sample;
                     takes hours; ONLY=name of one, QUICK=1 to try each
  make mutation      known-wrong servers, which must fail, and unusual
                     ones, which must pass;  SEEDS=5 ONLY=text JSON=file
  make explore-corpus  which known-wrong servers the explorer finds alone, and
                     in how many steps;  TIME=120 ONLY=text JSON=file
  make parity-with   the records of this tree and of a commit, which must be
                     equal;  REV=main SEEDS=1 HOSTS=both
  make reference-figures  the reference's figures in make test-perf
  make coverage      which situations of the protocol the stages reach
  make bench         speed and memory;  QUICK=1 JSON=file
  make doctor        which sandbox levels of the grader work here
  make handouts-refresh
                     make the output and the figures in the handouts again
endef
export HELP

.PHONY: help setup test $(STAGES:%=test-%) test-perf reference-figures drills again watch explore shrink keep coverage mutation submit list replay trace page play lint bench doctor demo check clean no-python \
    handouts handouts-refresh demo-byzantine demo-stale-read
NO_PYTHON := $(shell test -x .venv/bin/python || echo no-python)

help:
	@printf '%s\n' "$$HELP"

setup: .venv/ready
	@echo "ready: $$(.venv/bin/python --version) in .venv"

.venv/ready: pyproject.toml $(NO_PYTHON)
	@sh scripts/setup.sh

.venv/readyhandouts: pyproject.toml $(NO_PYTHON)
	@sh scripts/setup.sh handouts

.venv/readydev: pyproject.toml $(NO_PYTHON)
	@sh scripts/setup.sh dev

test: .venv/ready
	@$(LABS) test "$${STAGE:-2A 2B 2C 2D}" $(CHOSEN) $(COUNTED) $(STEPPED) $(VERBOSE)

$(STAGES:%=test-%): .venv/ready
	@$(LABS) test $(@:test-%=%) $(CHOSEN) $(COUNTED) $(STEPPED) $(VERBOSE)

# Only for names without a rule: a stage in small letters, or one that does not exist.
test-%: .venv/ready
	@$(LABS) test "$*" $(CHOSEN) $(COUNTED) $(STEPPED) $(VERBOSE)

test_%:
	@echo 'make: there is no $@; there are $(STAGES:%=test-%) test-perf, and test for all stages' >&2; exit 2

test-perf: .venv/ready
	@$(LABS) perf $${STAGE:+"$$STAGE"} $(CHOSEN) $(COUNTED) $${ALIAS:+--alias "$$ALIAS"}

reference-figures: .venv/ready
	@PYTHONHASHSEED=0 .venv/bin/python -m tests.tools.reference_figures

drills: .venv/ready
	@$(LABS) drills $${STAGE:+"$$STAGE"} $(CHOSEN) $(COUNTED) $(STEPPED) $(VERBOSE)

again: .venv/ready
	@$(LABS) again $(FOUND) $(RERUN)

watch: .venv/ready
	@$(LABS) watch $${STAGE:+"$$STAGE"} $(FOUND) $(RERUN)

coverage: .venv/ready
	@$(LABS) coverage $${STAGE:+"$$STAGE"} $(if $(filter-out file default,$(origin SUBMISSION)),$(CHOSEN),--submission reference $${HOSTS:+--hosts "$$HOSTS"}) $(COUNTED)

mutation: .venv/ready
	@.venv/bin/python -m tests.tools.mutation $${SEEDS:+--seeds "$$SEEDS"} $${ONLY:+--only "$$ONLY"} $${JOBS:+--jobs "$$JOBS"} \
	    $${JSON:+--json "$$JSON"} $${HOSTS:+--hosts "$$HOSTS"}

.PHONY: explore-corpus
explore-corpus: .venv/ready
	@PYTHONHASHSEED=0 .venv/bin/python -m tests.tools.explore_corpus $${ONLY:+--only "$$ONLY"} $${SEED:+--seed "$$SEED"} \
	    $${TIME:+--seconds "$$TIME"} $${JOBS:+--jobs "$$JOBS"} $${JSON:+--json "$$JSON"}

.PHONY: parity-with
parity-with: .venv/ready
	@[ -n "$$REV" ] || { echo 'With which commit? As in  make parity-with REV=main' >&2; exit 2; }
	@.venv/bin/python -m tests.tools.parity_with "$$REV" $${SEEDS:+--seeds "$$SEEDS"} $${HOSTS:+--hosts "$$HOSTS"}

.PHONY: nightly
nightly: .venv/readydev
	@.venv/bin/python -m tests.tools.nightly $${ONLY:+"$$ONLY"} $(if $(QUICK),--quick)

.PHONY: grade
grade: .venv/ready
	@if [ -e "$$SUBMISSION" ]; then set -- "$$SUBMISSION"; else set -- $$SUBMISSION; fi; \
	.venv/bin/python -m grader grade "$$@" $${RUNS:+--runs "$$RUNS"} $${JOBS:+--jobs "$$JOBS"} $${OUT:+--out "$$OUT"}

.PHONY: grade-class
grade-class: .venv/ready
	@.venv/bin/python -m grader class "$${SUBMISSIONS:-submissions}" --out "$${OUT:-out/class}" $${ROSTER:+--roster "$$ROSTER"} \
	    $${RUNS:+--runs "$$RUNS"} $${JOBS:+--jobs "$$JOBS"}

.PHONY: release
release: .venv/ready
	@.venv/bin/python -m grader release $${OUT:+--out "$$OUT"}

submit: .venv/ready
	@$(LABS) submit --submission "$$SUBMISSION" $${OUT:+--out "$$OUT"}

list: .venv/ready
	@$(LABS) list $${STAGE:+"$$STAGE"}

replay: .venv/ready
	@[ -n "$$TEST" ] || { echo 'Which test? As in  make replay TEST=2C/figure_8 SEED=17' >&2; exit 2; }
	@$(LABS) replay "$$TEST" $(CHOSEN) $(SHOWN)

explore: .venv/ready
	@[ -n "$$STAGE" ] || { echo 'Which stage? As in  make explore STAGE=2C' >&2; exit 2; }
	@$(LABS) explore "$$STAGE" $${EXHAUSTIVE:+--exhaustive} --submission "$$SUBMISSION" $${SEED:+--seed "$$SEED"} $${TIME:+--time "$$TIME"} $${JOBS:+--jobs "$$JOBS"}

shrink: .venv/ready
	@[ -n "$$TEST" ] || { echo 'Which test? As in  make shrink TEST=2C/figure_8 SEED=17' >&2; exit 2; }
	@$(LABS) shrink "$$TEST" --submission "$$SUBMISSION" $${SEED:+--seed "$$SEED"}

keep: .venv/ready
	@[ -n "$$NAME" ] || { echo 'Under which name? As in  make keep NAME=votes-twice' >&2; exit 2; }
	@$(LABS) keep "$$NAME" --submission "$$SUBMISSION" $${FILE:+--file "$$FILE"}

trace: .venv/ready
	@[ -n "$$TEST$$FILE" ] || { echo 'Which run? As in  make trace TEST=2C/figure_8 SEED=17' >&2; exit 2; }
	@if [ -n "$$FILE" ]; then $(LABS) trace "$$FILE" --all $(SHOWN); \
	else $(LABS) replay "$$TEST" --all $(CHOSEN) $(SHOWN) || { code=$$?; [ $$code = 1 ] || exit $$code; }; fi

.PHONY: diff
diff: .venv/ready
	@[ -n "$$TEST" ] || { echo 'Which run? As in  make diff TEST=2C/figure_8 SEED=17' >&2; exit 2; }
	@$(LABS) diff "$$TEST/$${SEED:-1}/$$SUBMISSION" $${WITH:+"$$WITH"} $${HOSTS:+--hosts "$$HOSTS"}

page: .venv/ready
	@[ -n "$$TEST$$FILE" ] || { echo 'Which run? As in  make page TEST=2C/figure_8 SEED=17' >&2; exit 2; }
	@$(LABS) page "$${FILE:-$$TEST}" $(CHOSEN)

play: .venv/ready
	@$(LABS) play "$${FILE:-$$TEST}" --submission "$$SUBMISSION" $${SEED:+--seed "$$SEED"} $${STAGE:+--stage "$$STAGE"}

lint: .venv/readydev
	@$(LINT); [ -z "$$failed" ] || { echo "lint failed: $${failed#, }" >&2; exit 1; }

# Bytecode is made while lint runs: hundreds of processes start in the tests, and need twice the time without it.
check: .venv/readydev
	@unset PYTHONDONTWRITEBYTECODE; \
	(.venv/bin/python -m compileall -q labs grader reference skeleton; .venv/bin/python -m pytest -q --collect-only tests) >/dev/null 2>&1 & \
	$(LINT); wait; .venv/bin/python -m pytest -q -n auto --dist worksteal tests || failed="$$failed, tests"; \
	[ -z "$$failed" ] || { echo "check failed: $${failed#, }" >&2; exit 1; }

bench: .venv/ready
	@$(LABS) bench $(BENCHED) $(if $(QUICK),--quick) $${JSON:+--json "$$JSON"}

doctor: .venv/ready
	@.venv/bin/python -m grader doctor

.PHONY: demo-class
demo-class: .venv/ready
	@.venv/bin/python -m tests.tools.demo_class $${ONLY:+--only "$$ONLY"} $${RUNS:+--runs "$$RUNS"} $${OUT:+--out "$$OUT"}

demo: .venv/ready
	@.venv/bin/python -m tests.tools.demo $${HOSTS:+--hosts "$$HOSTS"} $(VERBOSE)

handouts: .venv/readyhandouts
	@.venv/bin/python -m handouts.site

handouts-refresh: .venv/readydev
	@.venv/bin/python -m tests.tools.handouts --refresh

demo-byzantine demo-stale-read: .venv/ready
	@.venv/bin/python -m handouts.demos $(@:demo-%=%) $(BENCHED)

clean:
	@rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
