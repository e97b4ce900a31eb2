# make reproduce, make test: each builds .venv first, and only what has changed is made again.
#
#   JOBS=4                            that many experiments, or mutants, at a time
#   FILES=theory/descent.py           with mutants: these files alone
#   STATEMENTS="ol25 f21/theorem_2"   with ledger or verdict: these checks alone, into a ledger of their own
#   PYTHON=python ENVIRONMENT=        another Python that has the packages, such as that of environment.yml

JOBS = 2
FILES =
STATEMENTS =
PYTHON = .venv/bin/python
ENVIRONMENT = .venv/complete

MAKEFLAGS += --no-builtin-rules --jobs=$(JOBS)
.DEFAULT_GOAL := help
# A table is never deleted as intermediate. Missing ones are not named: make would not make them in time.
.SECONDARY: $(wildcard experiments/results/*.json)

# Without byte code every process would compile JAX and pandas anew: 3 s each.
unexport PYTHONDONTWRITEBYTECODE
# What XLA has compiled is kept for the next run, however small and quick it was.
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/.cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1
# A killed run can leave half an entry: JAX warns and compiles again, and pytest would call that an error.
PYTEST := -m pytest -W "ignore:Error reading persistent compilation cache entry"

SETUP := pyproject.toml constraints.txt setup/venv.sh setup/requirements.py
THEORY := $(shell find theory -name '*.py')
CHECKS := $(shell find paper_checks -name '*.py') paper_checks/statements.toml
COMMON := $(wildcard experiments/_*.py experiments/record.py experiments/data.py)
STYLE := $(wildcard figures/_*.py figures/style.py)

EXPERIMENTS := $(filter-out $(COMMON),$(wildcard experiments/*.py))
DRAWINGS := $(filter-out $(STYLE),$(wildcard figures/*.py))
TABLES := $(EXPERIMENTS:experiments/%.py=experiments/results/%.json)
FIGURES := $(DRAWINGS:figures/%.py=figures/out/%.svg)

space := $() $()
LEDGER := paper_checks/ledger$(if $(STATEMENTS),-$(subst $(space),+,$(subst /,.,$(strip $(STATEMENTS))))).json
# Chosen statements take the tables as they are: no rule makes a .csv.
READ := $(if $(STATEMENTS),$(wildcard experiments/results/*.csv),$(TABLES))

.PHONY: help reproduce test core lint mutants tables figures ledger verdict clean

help:
	@echo "make reproduce   tables, figures, ledger; then the verdict on every statement that has a check"
	@echo "make test        the tests"
	@echo "make core        the tests and checks that need no extra, in an environment without any (.venv-core)"
	@echo "make lint        style, import layers and types"
	@echo "make mutants     changes to the rule, the laws and the moments, one at a time: do the tests fail?"
	@echo "make tables, make figures, make ledger, make verdict   the parts of make reproduce"
	@echo "make clean       remove what these made, but for the environments"

reproduce: $(TABLES) $(FIGURES) $(LEDGER)
	@$(PYTHON) -m paper_checks.verdict $(LEDGER); status=$$?; \
	echo "figures: figures/out/   tables: experiments/results/   ledger: $(LEDGER)"; exit $$status

test: $(ENVIRONMENT)
	$(PYTHON) $(PYTEST) tests --ignore=tests/site

core: .venv-core/complete
	.venv-core/bin/python $(PYTEST) tests --ignore=tests/extras --ignore=tests/site
	.venv-core/bin/python -m paper_checks --core

lint: $(ENVIRONMENT)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(PYTHON) -m mypy

mutants: $(ENVIRONMENT)
	$(PYTHON) setup/mutants.py --children $(JOBS) $(FILES)

tables: $(TABLES)
figures: $(FIGURES)
ledger: $(LEDGER)

# A step of its own: it fails each time that the ledger holds a failure, also when the ledger is up to date.
verdict: $(LEDGER)
	@$(PYTHON) -m paper_checks.verdict $(LEDGER)

clean:
	rm -rf experiments/results figures/out paper_checks/ledger*.json docs/_build .cache mutants

.venv/complete: $(SETUP)
	@sh setup/venv.sh .venv nets certificates pipeline docs dev

.venv-core/complete: $(SETUP)
	@sh setup/venv.sh .venv-core

# NAME.csv is there before NAME.json is.
$(TABLES): experiments/results/%.json: experiments/%.py $(COMMON) $(THEORY) $(ENVIRONMENT)
	@echo "[experiment] $*"
	@$(PYTHON) -m experiments $*

# NAME.png is there before NAME.svg is.
$(FIGURES): figures/out/%.svg: figures/%.py $(STYLE) experiments/results/%.json $(ENVIRONMENT)
	@echo "[figure] $*"
	@$(PYTHON) -m figures $*

# Status 1 is a failing check: the ledger is there and says so.
$(LEDGER): $(CHECKS) $(THEORY) $(READ) $(ENVIRONMENT)
	@echo "[ledger] $@"
	@rm -f $@; $(PYTHON) -m paper_checks --json $@ $(STATEMENTS); status=$$?; \
	[ -f $@ ] && [ $$status -le 1 ] || { rm -f $@; echo "no ledger: status $$status" >&2; exit 2; }
