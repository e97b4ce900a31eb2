# make reproduce, make test: each builds .venv first. What is made from what stands in the Snakefile.
#
#   JOBS=4                              that many steps, or mutants, at a time
#   FILES=theory/descent.py             with mutants: these files alone
#   LEDGER=paper_checks/ledger-own.json with ledger or verdict: the checks of one paper alone
#   PYTHON=python ENVIRONMENT=          another Python that has the packages, such as that of environment.yml
#   DATA=FOLDER OUT=DIR                 with gpu: where CIFAR-10 is, where the tables go

JOBS = 2
FILES =
LEDGER = paper_checks/ledger.json
DATA =
OUT = experiments/results/gpu
PYTHON = .venv/bin/python
ENVIRONMENT = .venv/complete

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

# Without byte code every process would compile JAX and pandas anew: 3 s each.
unexport PYTHONDONTWRITEBYTECODE
# What XLA has compiled is kept for the next run, however small and quick it was.
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/.cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1
# On small matrices the threads of OpenBLAS wait for each other.
export OPENBLAS_NUM_THREADS := 1
# A killed run can leave half an entry: JAX warns and compiles again, and pytest would call that an error.
PYTEST := -m pytest -W "ignore:Error reading persistent compilation cache entry"
PIPELINE = $(PYTHON) setup/alone.py .snakemake/alone $(PYTHON) -m snakemake --cores $(JOBS)

SETUP := pyproject.toml constraints.txt setup/venv.sh setup/requirements.py
SITE := docs/_build/html/index.html
FIGURES = $(patsubst figures/%.py,figures/out/%.svg,$(filter-out figures/style.py,$(wildcard figures/[!_]*.py)))

PARTS = test-core-1 test-core-2 test-core-3 test-core-4

.PHONY: help reproduce test test-extras core lint mutants site-test gpu tables figures ledger site verdict clean

help:
	@echo "make reproduce   tables, figures, ledger, site; then the verdict on every statement that has a check"
	@echo "make test        the tests"
	@echo "make core        the tests and checks that need no extra, in an environment without any (.venv-core)"
	@echo "make lint        style, import layers and types"
	@echo "make mutants     changes to the rule, the laws and the moments, one at a time: do the tests fail?"
	@echo "make site-test   the site in a browser (needs make reproduce, and chromium)"
	@echo "make gpu DATA=FOLDER   speed, training and sharpness on an NVIDIA GPU, in an environment with its JAX (.venv-gpu)"
	@echo "make tables, make figures, make ledger, make site, make verdict   the parts of make reproduce"
	@echo "make clean       remove what these made, but for the environments"

# The verdict comes whatever happened before it, and so does the failure of a step.
reproduce: $(ENVIRONMENT)
	@$(PIPELINE); made=$$?; [ -f $(LEDGER) ] && $(PYTHON) -m paper_checks.verdict $(LEDGER); holds=$$?; \
	[ $$made -eq 0 ] || echo "a step failed: its log stands above and in logs/" >&2; \
	echo "site: $(SITE)   figures: figures/out/   tables: experiments/results/   ledger: $(LEDGER)"; \
	[ $$made -eq 0 ] && exit $$holds; exit $$made

# Two at a time: what needs an extra, and what the core has, in four parts. The first shares its quick runs.
test: $(ENVIRONMENT)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line $(PARTS) test-extras

test-core-1:
	$(PYTHON) $(PYTEST) tests/test_experiments.py tests/test_figures.py

test-core-%:
	$(PYTHON) $(PYTEST) $$(ls tests/test_*.py | grep -v 'experiments\|figures' | awk 'NR % 3 + 2 == $*')

test-extras:
	$(PYTHON) $(PYTEST) tests/extras

core: .venv-core/complete
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line PYTHON=.venv-core/bin/python $(PARTS)
	.venv-core/bin/python -m paper_checks --core

lint: $(ENVIRONMENT)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(PYTHON) -m mypy

mutants: $(ENVIRONMENT)
	$(PYTHON) setup/mutants.py --children $(JOBS) $(FILES)

site-test: $(ENVIRONMENT)
	$(PYTHON) -m pytest tests/site

gpu: .venv-gpu/complete
	.venv-gpu/bin/python -m experiments.deep.gpu $(if $(DATA),--data $(DATA)) --out $(OUT)

tables: $(ENVIRONMENT)
	@$(PIPELINE) --until experiment

figures: $(ENVIRONMENT)
	@$(PIPELINE) $(FIGURES)

ledger: $(ENVIRONMENT)
	@$(PIPELINE) $(LEDGER)

site: $(ENVIRONMENT)
	@$(PIPELINE) $(SITE)

# A step of its own: it fails each time that the ledger holds a failure, also when the ledger is up to date.
verdict: ledger
	@$(PYTHON) -m paper_checks.verdict $(LEDGER)

clean:
	rm -rf experiments/results figures/out paper_checks/ledger*.json docs/_build docs/statements docs/papers logs mutants .cache .snakemake

.venv/complete: $(SETUP)
	@sh setup/venv.sh .venv nets certificates pipeline slurm docs dev

.venv-core/complete: $(SETUP)
	@sh setup/venv.sh .venv-core

.venv-gpu/complete: $(SETUP)
	@sh setup/venv.sh .venv-gpu nets cuda
