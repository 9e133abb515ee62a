# A thin front: what is done stands in tools/, each a short script of its own.
# Commands are meant for root; as another user those that need root go through
# sudo, and say so where there is none.

MAKEFLAGS += --no-print-directory
AS_ROOT = tools/as-root
# Where `make install` puts things; DESTDIR is the packager's staging root.
PREFIX ?= /usr/local
DESTDIR ?=
# What `make check` runs: all, or e.g. T="unit netns/splice".
T ?=
# How long chaos and soak take; of fuzz, each target: 90, 10m, 8h.
DURATION ?= 10m
FRAMES ?= 100000000

.PHONY: help deps build demo demo-fleet check bench lint tidy fuzz chaos faults soak torture install deb deb-check image arm64 sbom reproducible clean

help: ## this text
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

deps: ## install all Debian packages that are missing
	@tools/deps all

build: ## release build in build/ (installs what building needs)
	@tools/deps build web
	@tools/build release
	@tools/web

demo: build ## play the whole story; KEEP=1 leaves it up, with the web UI
	@tools/deps demo
	@$(AS_ROOT) build/src/cli/weir demo $(if $(KEEP),--keep)

demo-fleet: build ## three hosts with one policy: a server is killed, a host cut off
	@tools/deps demo-fleet
	@$(AS_ROOT) tools/demo-fleet

check: ## all tests, or T="unit netns/splice" (installs what they need)
	@tools/deps all
	@tools/build release asan clang tsan
	@tools/web
	@$(AS_ROOT) tools/check $(T)

lint: ## only the checks of the source text
	@tools/deps build lint
	@tools/build clang
	@tools/check lint

tidy: ## clang-tidy as deep as it goes, which takes four times as long
	@tools/deps build lint
	@tools/build clang
	@tools/check-tidy --deep

bench: ## speed against the undiverted path; results in bench/README.md
	@tools/deps build bench
	@tools/build release
	@$(AS_ROOT) bench/run

fuzz: ## every fuzz target for DURATION (10m) each
	@tools/deps build lint
	@tools/build clang
	@FUZZ_SECONDS=$(DURATION) tools/fuzz run

chaos: ## break it at random under traffic for DURATION (10m); WEIR_SEED repeats
	@tools/deps build tests
	@tools/build release
	@$(AS_ROOT) /usr/bin/python3 tests/chaos/chaos.py $(DURATION)

faults: ## every call that can fail does, once, on start and reload; takes an hour
	@tools/deps build tests
	@tools/build release asan
	@$(AS_ROOT) env FAULT_SECONDS=0 tools/check -t 14400 netns/faults netns/faults_agent

soak: ## the same traffic for DURATION (10m), unbroken: does memory grow?
	@tools/deps build tests
	@tools/build release
	@$(AS_ROOT) /usr/bin/python3 tests/chaos/soak.py $(DURATION)

torture: ## FRAMES (100 million) hostile frames through the pipeline; WEIR_SEED repeats
	@tools/deps build tests
	@tools/build asan
	@SRC=. BUILD=build-asan FRAMES=$(FRAMES) tests/pcap/torture.sh

install: build ## into PREFIX (/usr/local) and /etc/weir, below DESTDIR if given
	@meson configure build --prefix='$(PREFIX)' --sysconfdir=/etc # else it forgets that
	@ninja -C build --quiet
	@$(AS_ROOT) -w '$(DESTDIR)/etc' env DESTDIR='$(DESTDIR)' \
		meson install -C build --no-rebuild --quiet

deb: ## Debian packages in build-deb/
	@tools/deps build web deb
	@tools/deb

deb-check: ## they are installed, upgraded, removed and purged in a Debian of their own
	@tools/deps build web deb pkg
	@$(AS_ROOT) tools/check pkg

image: build ## a container image in build/image/, an OCI archive
	@tools/deps image
	@tools/image build build/image

arm64: ## all of it for arm64 in build-arm64/; its unit tests, by qemu-user
	@tools/deps build web lint tests arm64
	@tools/arm64

reproducible: ## HEAD, built twice in other folders: the same bytes?
	@tools/deps build web
	@tools/reproducible

sbom: build ## what the programs are made of, in build/weir.cdx.json
	@tools/sbom build build/weir.cdx.json

clean: ## remove everything that was built
	@$(AS_ROOT) -w build rm -rf build build-asan build-clang build-tsan build-deb build-arm64
