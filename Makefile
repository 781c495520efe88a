# Each target does its own set-up; a second call starts at once.
#   make test         the correctness tests
#   make test-slow    longer grids and fuzzing, which repeat what shorter ones show
#   make tables       about 150 real tables against exact arithmetic; three minutes
#   make stranger     README's commands where there is next to nothing; five minutes
#   make bench        benchmark HEAD, publish the HTML, print the tables; some ten minutes
#   make bench-all    the same with every suite but those of bench-peers; some 25 minutes
#   make bench SUITES="roofline descent"    these suites only
#   make bench VERSIONS="numpy=2.2.6 scipy=1.15.3"    on other versions than the pinned
#   make bench-peers  other libraries beside ours: right or wrong, and how fast; twenty minutes
#   make bench-quick  a first look at four sizes, not kept
#   make compare      what a change made faster or slower: BASE=main~3 [HEAD=...] [MINUTES=5]
#   make html         turn results/ into .asv/html and the page .asv/four-ways.html
#   make report       print the winners, the regressions and the failures
#   make preview      serve the HTML on this machine only
#   make lint         ruff and mypy
#   make imports      who imports whom, from the top floor down
#   make check        asv imports the suites and checks them
#   make smoke        a dry run of the suites
#   make clean        remove what the others made, compiled kernels included

SHELL := bash
.SHELLFLAGS := -o pipefail -c

# make bench AS=avx2 SUITES=roofline: on a processor with AVX-512 as if it had none. "+avx2" stands in
# place of the processor's own features, which a name alone would keep.
ifeq ($(AS),avx2)
export NUMBA_CPU_NAME = haswell
export NUMBA_CPU_FEATURES = +avx2,+fma
export OPENBLAS_CORETYPE = Haswell
export MKL_ENABLE_INSTRUCTIONS = AVX2
export ATEN_CPU_CAPABILITY = avx2
endif

PYTHON ?= python3
PORT ?= 8080
PIP = bin/python -m pip install --disable-pip-version-check -c constraints.txt

TEST = .venv/test
BENCH = .venv/bench
RUN = $(BENCH)/bin/python -m suites.run

.PHONY: test test-slow tables stranger imports lint bench bench-all bench-peers bench-quick compare check smoke html report preview clean

test: $(TEST)/ready
	$(TEST)/bin/python -m pytest -n auto --dist worksteal

test-slow: $(TEST)/tables
	$(TEST)/bin/python -m pytest -m slow -n auto --dist worksteal

tables: $(TEST)/tables
	$(TEST)/bin/python -m pytest -m tables --show-capture=no

stranger: $(TEST)/ready
	$(TEST)/bin/python -m pytest -m stranger -s

imports: $(TEST)/ready
	@$(TEST)/bin/python -m tests.import_graph

lint: $(TEST)/ready
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/validate-pyproject pyproject.toml
	$(TEST)/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(TEST)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(TEST)/bin/zizmor --offline --quiet .github/workflows
	$(TEST)/bin/pre-commit validate-config

# The tables come even where something failed: the last lines say what, and the status is not 0.
# Interrupted, it keeps what it has, and a second call goes on from there.
bench bench-all: $(BENCH)/ready
	@commit=$$(git rev-parse HEAD) && machine=$$($(BENCH)/bin/python -m suites.harness.machine) && \
	status=0 && { $(RUN) $@ $(SUITES) --versions "$(VERSIONS)" || status=$$?; } && [ $$status -lt 2 ] && \
	$(MAKE) --no-print-directory html && \
	$(BENCH)/bin/python -m report.table "$$machine" "$$commit" && \
	exit $$status

bench-peers: $(BENCH)/ready
	@$(RUN) peers $(SUITES) --versions "$(VERSIONS)"
	@$(MAKE) --no-print-directory html

# In a results folder of its own.
bench-quick: $(BENCH)/ready
	@commit=$$(git rev-parse HEAD) && machine=$$($(BENCH)/bin/python -m suites.harness.machine) && \
	$(RUN) quick && $(BENCH)/bin/python -m report.table "$$machine" "$$commit" .asv/quick

# Of two commits, or of the working tree without HEAD: make compare BASE=main~3 [HEAD=main]. Of two
# sets of versions: make compare VERSIONS="numpy=2.2.6 scipy=1.15.3" [HEAD=main]. With MARKDOWN=FILE
# a table for a pull request too, - to print it.
compare: $(BENCH)/ready
	@test -n "$(BASE)$(VERSIONS)" || { echo "say against what: make compare BASE=main~3" >&2; exit 2; }
	@$(BENCH)/bin/python -m suites.compare $(BASE) $(HEAD) $(if $(VERSIONS),--versions "$(VERSIONS)") \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(MARKDOWN),--markdown "$(MARKDOWN)")

check: $(BENCH)/ready
	@$(RUN) check

# Each benchmark at its smallest sizes, nothing saved: asv fails if any of them does.
smoke: $(BENCH)/ready
	@$(RUN) smoke

html: $(BENCH)/ready
	@$(BENCH)/bin/asv publish >/dev/null
	@$(BENCH)/bin/python -m report.site .asv/html
	@echo "One file:  $(CURDIR)/.asv/four-ways.html"
	@echo "With asv's pages: $(CURDIR)/.asv/html (make preview serves it)"

report: $(BENCH)/ready
	@$(BENCH)/bin/python -m report.summary

preview:
	@test -f .asv/html/index.html || { echo "no HTML yet: run 'make html'" >&2; exit 2; }
	@echo "http://127.0.0.1:$(PORT)/ (Ctrl-C ends)"
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory .asv/html $(PORT)

$(TEST)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TEST)
	$(TEST)/$(PIP) -e ".[test,lint]"
	touch $@

$(TEST)/tables: $(TEST)/ready
	$(TEST)/$(PIP) -e ".[tables]"
	touch $@

# What drives the benchmarks has no torch: asv makes its own environment for them.
$(BENCH)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/$(PIP) asv tabulate virtualenv vl-convert-python
	touch $@

clean:
	rm -rf .venv .asv
	find fourways kernels report suites tests -name __pycache__ -prune -exec rm -rf {} +
