# pagereel: `make` installs and runs the main job, `make test` runs all tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := output/main
# Two tasks at a time: while one draws, the encoder of the other has the cores.
JOBS ?= 2

CORE := pyproject.toml setup.py $(addprefix allocator/,page_alloc.py scanners.py vmscan.py slab.py)
MODEL := $(filter-out allocator/oracle%,$(wildcard allocator/*.py allocator/mechanisms/*.toml)) \
	$(wildcard workloads/*.py workloads/data/*) \
	$(addprefix pipeline/,simulate.py start.py recording.py recording_format.py config.py run.py \
	run_folder.py metadata.py atomic.py \
	recording_writer.py growing_file.py blame.py holders.py grouping.py measures.py) $(wildcard pipeline/metrics/*.py) \
	pipeline/artefacts/tables.py
WRITE := $(wildcard $(addprefix pipeline/,comparison/*.py comparison/writers/*.py mail/*.py statistics/*.py))
DRAW := $(wildcard renderer/*.py renderer/report/*.py renderer/report/page/* renderer/report/page/js/*) \
	$(wildcard $(addprefix pipeline/,artefacts/*.py findings/*.py genealogy/*.py views/*.py))
RECORDINGS := $(foreach m,off list zone both,$(RUN)/recordings/debian-6.1-churn-6.1-$(m)-0.reel)
VIDEOS := $(foreach m,off list zone both,$(RUN)/video/6.1-$(m).mp4)
COMPARISON := $(RUN)/video/comparison.mp4
SHEET := $(RUN)/sheet.png
STILL := $(RUN)/still.png
FIGURES := $(RUN)/figures/overview.png
ANIMATION := $(RUN)/animation.webp
DIFFERENCE := $(RUN)/video/difference.mp4
DIFFERENCES := $(DIFFERENCE) $(RUN)/difference.png $(RUN)/difference-still.png
REPORT := $(RUN)/report.html
MAIL := $(RUN)/mail.txt
PICTURES := $(VIDEOS) $(COMPARISON) $(SHEET) $(STILL) $(FIGURES) $(ANIMATION) $(REPORT) $(DIFFERENCES)
# The main job makes all pictures. So they are looked at when it is done, by a make of its own.
DRAWN = @$(MAKE) --no-print-directory --silent
# Too large to ship.
PAGEREEL_REAL_KERNEL ?= ../shared/real-kernel
BOOTS := $(addprefix $(PAGEREEL_REAL_KERNEL)/,c_nogroup a_group_mig b_movable_minfree)

.DELETE_ON_ERROR:
.PHONY: main help test oracle aa soak fuzz endurance bench video comparison difference sheet still animation figures genealogy report \
	tables mail findings truth ablation claims dist check-dist clean

main: $(RUN)/metadata.json ## install, run the shipped stream under four mechanisms (the default)
	$(DRAWN) $(PICTURES) $(MAIL)
	@echo "see $(RUN)/report.html, $(RUN)/video/comparison.mp4, $(RUN)/sheet.png and the rest of $(RUN)"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: $(VENV)/test-installed $(VENV)/checked ## all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null || \
		echo "no Chromium here: tests of the report in a browser are left out"
	$(BIN)/python -m pytest -q

oracle: $(VENV)/test-installed ## 10,000 random programs, compiled core against the oracle
	$(BIN)/python -m tests.allocator.oracle_many --programs 10000

aa: $(VENV)/test-installed ## docs/aa.txt: a mechanism against itself, how often noise is called significant
	$(BIN)/python -m tests.statistics.aa --comparisons 200 --recorded-pool 100 -j $(JOBS) > docs/aa.txt.partial
	mv docs/aa.txt.partial docs/aa.txt
	@echo "see docs/aa.txt"

# All three go on where they were stopped, as long as the code is the same: what is done lies in build.
soak: $(VENV)/test-installed ## a billion operations, all mechanisms, everything recounted on the way
	$(BIN)/python -m tests.soak.run --operations 1000000000 --state build/soak --jobs $(JOBS)

fuzz: $(VENV)/test-installed ## a million damaged inputs for all that reads files or options
	$(BIN)/python -m tests.fuzz.run --inputs 1000000 --state build/fuzz --jobs $(JOBS)

endurance: $(VENV)/test-installed ## 200 runs killed at random moments and resumed: anything lost, anything different?
	$(BIN)/python -m tests.endurance.kills --kills 200 --parallel $(JOBS) --folder build/endurance

bench: $(VENV)/test-installed $(RUN)/metadata.json ## how fast engine, recordings, videos are, side by side
	$(BIN)/python -m bench.engine
	$(BIN)/python -m bench.growth
	$(BIN)/python -m bench.jobs
	$(BIN)/python -m bench.sweep
	$(BIN)/python -m bench.recording $(RUN)
	$(BIN)/python -m bench.video $(RUN)
	$(BIN)/python -m bench.main_job

video: $(RUN)/metadata.json ## one video a mechanism
	$(DRAWN) $(VIDEOS)
comparison: $(RUN)/metadata.json ## the mechanisms on one clock
	$(DRAWN) $(COMPARISON)
difference: $(RUN)/metadata.json ## each mechanism minus the first: video, sheet, still
	$(DRAWN) $(DIFFERENCES)
sheet: $(RUN)/metadata.json ## mechanism by phase
	$(DRAWN) $(SHEET)
still: $(RUN)/metadata.json ## the frame of greatest difference
	$(DRAWN) $(STILL)
report: $(RUN)/metadata.json ## one page for a browser, with every frame
	$(DRAWN) $(REPORT)
figures: $(RUN)/metadata.json ## curves of the metrics, what blocks huge pages, genealogy
	$(DRAWN) $(FIGURES)
genealogy: figures ## how long pageblocks stay polluted: one of the figures
animation: $(RUN)/metadata.json ## the comparison, small
	$(DRAWN) $(ANIMATION)
tables: $(RUN)/metadata.json ## CSV files; prints the summary
	$(BIN)/pagereel table $(RUN)
mail: $(RUN)/metadata.json ## the run as a text for a mailing list; prints it
	$(DRAWN) $(MAIL)
	@cat $(MAIL)
findings: $(RUN)/metadata.json ## what is worth pointing at; prints it
	$(BIN)/pagereel findings $(RUN)

truth: $(VENV)/installed ## docs/truth: the simulator beside the real boots in PAGEREEL_REAL_KERNEL
	$(BIN)/pagereel truth $(BOOTS) -o docs/truth -j $(JOBS) --force > /dev/null
	docs/truth/judge.sh $(PAGEREEL_REAL_KERNEL) > docs/truth/judge.txt
	@echo "see docs/truth.md and docs/truth/truth.txt"

claims: $(VENV)/installed ## docs/claims: which published claims come out of the rules
	$(BIN)/pagereel claims -o docs/claims -j $(JOBS) --force > /dev/null
	@echo "see docs/claims.md and docs/claims/claims.txt"

ablation: $(VENV)/installed ## docs/ablation: which rule moves what
	$(foreach m,6.1-off 6.1-list,$(BIN)/pagereel ablate -m $(m) -o docs/ablation/$(m) -j $(JOBS) --force > /dev/null &&) true
	$(foreach m,2007-list 6.1-list,$(BIN)/pagereel ablate stress-highalloc -m $(m) -o docs/ablation/stress-$(m) -j $(JOBS) --force > /dev/null &&) true
	@echo "see docs/ablation"

dist: $(VENV)/test-installed ## an sdist, and a wheel built from it, into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

# All of them, or those of wheel, sdist and pipx that are named.
WAYS ?=
check-dist: dist ## install each into a clean environment and run a short job there
	$(BIN)/python -m tests.packages.check_dist dist $(WAYS)

clean: ## remove what was built and installed; results in output/ stay
	rm -rf $(VENV) build dist *.egg-info allocator/*.so .pytest_cache .hypothesis .ruff_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(CORE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/test-installed: $(CORE) | $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

# The core once more, with bounds and overflow checks, for the tests.
$(VENV)/checked: $(CORE) | $(VENV)/test-installed
	PAGEREEL_CHECKED=1 $(BIN)/python setup.py --quiet build_ext \
		--build-lib build/checked --build-temp build/checked-temp
	@touch $@

# The main job writes metadata.json last, so it is there when everything is.
$(RUN)/metadata.json: $(MODEL) | $(VENV)/installed
	$(BIN)/pagereel run -o $(RUN) -j $(JOBS) --resume --force

# Pictures come with the main job; they are drawn anew when only the drawing has changed.
$(PICTURES): $(DRAW) | $(RUN)/metadata.json
$(VIDEOS): $(RUN)/video/%.mp4:
	$(BIN)/pagereel video $(RUN)/recordings/debian-6.1-churn-$*-0.reel -o $@ --force
$(COMPARISON):
	$(BIN)/pagereel video $(RECORDINGS) -o $@ --force
$(SHEET):
	$(BIN)/pagereel sheet $(RECORDINGS) -o $@ --force
$(STILL):
	$(BIN)/pagereel still $(RECORDINGS) -o $@ --force
$(DIFFERENCE):
	$(BIN)/pagereel video $(RECORDINGS) -o $@ --difference --force
$(RUN)/difference.png:
	$(BIN)/pagereel sheet $(RECORDINGS) -o $@ --difference --force
$(RUN)/difference-still.png:
	$(BIN)/pagereel still $(RECORDINGS) -o $@ --difference --force
$(ANIMATION):
	$(BIN)/pagereel video $(RECORDINGS) -o $@ --force
$(REPORT):
	$(BIN)/pagereel report $(RUN) -o $@ --force
$(MAIL): $(WRITE) | $(RUN)/metadata.json
	$(BIN)/pagereel mail $(RUN) -o $@ --force
$(FIGURES):
	$(BIN)/pagereel figures $(RECORDINGS) -o $(@D) --force

# The picture on top of the README: real output, small.
docs/comparison.webp: $(RUN)/metadata.json
	cp $(RUN)/animation.webp $@
