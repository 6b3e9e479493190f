# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# All build results are in .output/, except ./mine and node_modules/.

include lib/target.mk

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
BUN := node_modules/.bin/bun

ifeq ($(V),1)
  Q =
  msg =
else
  Q = @
  msg = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(OUTPUT)/%,%,$(2))';
endif

.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: all
all: mine ## build ./mine (the default); ARCH=x64|arm64 LIBC=glibc|musl: for another machine

# Programs that the build calls. setup.sh installs missing ones if it has the privileges.
TOOLS := $(OUTPUT)/tools.ready
$(TOOLS): scripts/setup.sh
	$(call msg,TOOLS,build)
	$(Q)scripts/setup.sh build $(if $(filter $(HOST_ARCH),$(ARCH)),,$(ARCH))
	$(Q)mkdir -p $(OUTPUT) && touch $@

include lib/build.mk

# --- BPF objects: one for each backend, modern (with ring buffers) and legacy (for 4.15) ---------------

BPF := $(OUTPUT)/bpf
# fexit has no legacy object: kernels that need one have no trampolines.
BPF_OBJECTS := $(patsubst %,$(BPF)/%.bpf.o,fexit.modern kprobe.modern kprobe.legacy tracepoint.modern tracepoint.legacy memory.legacy)
# clang does not search these directories itself if the target is bpf.
SYSTEM_INCLUDES = $(addprefix -idirafter ,$(shell $(HOSTCC) -print-multiarch | sed 's,^,/usr/include/,') /usr/include)
BPF_CFLAGS = -g -O2 -target bpf -ffile-prefix-map=$(CURDIR)=. -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Wno-unused-parameter -Werror \
	-Ibpf -Ivmlinux $(LIBBPF_CFLAGS) $(SYSTEM_INCLUDES)

$(BPF)/%.modern.bpf.o: BPF_FLAVOUR := -mcpu=v3
$(BPF)/%.legacy.bpf.o: BPF_FLAVOUR := -mcpu=v1 -DMINE_LEGACY

$(BPF_OBJECTS): $(wildcard bpf/*) $(wildcard vmlinux/*.h) $(LIBBPF_HEADERS) Makefile | $(BPF) $(TOOLS)
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(BPF_FLAVOUR) -c bpf/$(firstword $(subst ., ,$(@F))).bpf.c -o $@
	$(Q)$(LLVM_STRIP) --strip-debug $@

$(BPF):
	$(Q)mkdir -p $@

# --- TypeScript skeleton: generated from the objects' BTF, committed, and checked by each build ---------

SKELETON := src/events/skeleton.gen.ts

$(OUTPUT)/skeleton.gen.ts: $(BPF_OBJECTS) src/core/gen-skeleton.ts node_modules/.ready
	$(call msg,GEN,$@)
	$(Q)BPFTOOL=$(BPFTOOL) $(BUN) src/core/gen-skeleton.ts $(BPF_OBJECTS) >$@

$(OUTPUT)/skeleton.checked: $(OUTPUT)/skeleton.gen.ts $(SKELETON)
	$(Q)diff -u $(SKELETON) $(OUTPUT)/skeleton.gen.ts || \
		{ echo "$(SKELETON) does not fit bpf/mine.h: run 'make generate' and commit it" >&2; exit 1; }
	$(Q)touch $@

.PHONY: generate
generate: $(OUTPUT)/skeleton.gen.ts ## regenerate src/events/skeleton.gen.ts from the BPF objects
	$(Q)cp $< $(SKELETON)

# --- The package bun-libbpf: src/core and the library ---------------------------------------------------

src/core/libbpf.so: $(LIBBPF_SO)
	$(Q)cp $< $@

# Headers for the BPF programs of users of the package.
BPF_HEADERS := bpf_core_read.h bpf_endian.h bpf_helper_defs.h bpf_helpers.h bpf_tracing.h
LICENSES := LICENSE LICENSE.BSD-2-Clause LICENSE.GPL-2.0 NOTICE

.PHONY: package
package: src/core/libbpf.so $(LIBBPF_HEADERS) node_modules/.ready ## pack bun-libbpf into .output/
	$(Q)mkdir -p src/core/include/bpf
	$(Q)cp $(BPF_HEADERS:%=$(LIB)/include/bpf/%) src/core/include/bpf/
	$(Q)cp $(LICENSES) src/core/
	$(Q)cd src/core && npm pack --loglevel=error --pack-destination $(abspath $(OUTPUT)) >/dev/null
	$(Q)rm -rf src/core/include $(LICENSES:%=src/core/%)

# --- The binary ---------------------------------------------------------------------------------------

node_modules/.ready: package.json package-lock.json | $(TOOLS)
	$(call msg,NPM,node_modules)
	$(Q)npm ci --ignore-scripts --loglevel=error >/dev/null
	$(Q)node node_modules/bun/install.js # the only script needed: it installs Bun's binary
	$(Q)touch $@

# Another machine's binary has the base of another package of Bun. `npm ci` installs only this machine's.
ifeq ($(IS_NATIVE),)
BUN_BASE := $(OUTPUT)/bun

$(BUN_BASE): scripts/fetch-bun.sh package-lock.json | $(TOOLS)
	$(call msg,BASE,$@)
	$(Q)scripts/fetch-bun.sh $(TARGET) $@

.PHONY: mine
mine: $(MINE)
endif

$(MINE): $(shell find src -name '*.ts') package.json packaging/mine.service packaging/mine.conf node_modules/.ready $(BPF_OBJECTS) $(LIBBPF_SO) $(BUN_BASE) \
		$(if $(IS_NATIVE),$(OUTPUT)/skeleton.checked src/core/libbpf.so) scripts/build-binary.ts scripts/seal-binary.ts
	$(call msg,BUN,$@)
	$(Q)$(BUN) scripts/build-binary.ts $(TARGET) $(OUTPUT) $(OUTPUT)/mine.unsealed $(BUN_BASE)
	$(Q)$(BUN) scripts/seal-binary.ts $(OUTPUT)/mine.unsealed
	$(Q)$(if $(filter glibc,$(LIBC)),scripts/check-glibc.sh $(OUTPUT)/mine.unsealed)
	$(Q)mv $(OUTPUT)/mine.unsealed $@

# --- Files to download ---------------------------------------------------------------------------------

OTHER_ARCH := $(filter-out $(HOST_ARCH),x64 arm64)

.PHONY: mine-for-every-target
mine-for-every-target: mine ## build mine for x64 and arm64, glibc and musl
	$(Q)$(MAKE) --no-print-directory ARCH=$(HOST_ARCH) LIBC=musl mine
	$(Q)$(MAKE) --no-print-directory ARCH=$(OTHER_ARCH) LIBC=glibc mine
	$(Q)$(MAKE) --no-print-directory ARCH=$(OTHER_ARCH) LIBC=musl mine

DIST ?= dist
OTHER := .output/linux-$(OTHER_ARCH)

.PHONY: dist
dist: ## build the files to download into dist/: tarballs, packages, an SBOM, checksums
	$(Q)scripts/setup.sh dist $(OTHER_ARCH)
	$(Q)$(MAKE) --no-print-directory mine-for-every-target
	$(call msg,DIST,$(DIST))
	$(Q)packaging/dist.sh $(DIST) ./mine linux-$(HOST_ARCH)=mine linux-$(HOST_ARCH)-musl=.output/linux-$(HOST_ARCH)-musl/mine \
		linux-$(OTHER_ARCH)=$(OTHER)/mine linux-$(OTHER_ARCH)-musl=$(OTHER)-musl/mine

# A make of its own builds mine, because setup must install the tools first.
.PHONY: image
image: ## write an OCI image into dist/; ARCH=x64|arm64
	$(Q)scripts/setup.sh dist $(filter-out $(HOST_ARCH),$(ARCH))
	$(Q)$(MAKE) --no-print-directory mine
	$(call msg,IMAGE,$(DIST))
	$(Q)packaging/image.sh $(DIST) $(TARGET) $(MINE)

# --- Examples: small programs that use only the package -------------------------------------------------

EXAMPLES := $(OUTPUT)/examples

.PHONY: examples
examples: $(EXAMPLES)/opensnoop ## build the programs of examples/ into .output/examples/

.PRECIOUS: $(EXAMPLES)/%.bpf.o examples/%.skel.ts

$(EXAMPLES):
	$(Q)mkdir -p $@

$(EXAMPLES)/%.bpf.o: examples/%.bpf.c $(LIBBPF_HEADERS) Makefile | $(EXAMPLES) $(TOOLS)
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -mcpu=v3 -c $< -o $@
	$(Q)$(LLVM_STRIP) --strip-debug $@

examples/%.skel.ts: $(EXAMPLES)/%.bpf.o src/core/gen-skeleton.ts node_modules/.ready
	$(call msg,GEN,$@)
	$(Q)BPFTOOL=$(BPFTOOL) $(BUN) src/core/gen-skeleton.ts $< >$@

$(EXAMPLES)/%: examples/%.ts examples/%.skel.ts $(wildcard src/core/*.ts src/core/ffi/*.ts) src/core/libbpf.so
	$(call msg,BUN,$@)
	$(Q)$(BUN) build --compile --minify --no-compile-autoload-dotenv --no-compile-autoload-bunfig $< --outfile $@ >/dev/null

# --- Tests, demonstration, maintenance ------------------------------------------------------------------

.PHONY: setup
setup: ## install missing programs that the build and the tests call
	$(Q)scripts/setup.sh test $(OTHER_ARCH)

# A make of its own builds mine, because setup must install the tools first.
.PHONY: test
test: setup ## run all tests: types, lint, unit, host, and each kernel of tests/vm/KERNELS
	$(Q)$(MAKE) --no-print-directory mine-for-every-target examples
	$(Q)$(BUN) tests/run.ts

.PHONY: test-unit test-host test-vm
test-unit test-host: test-%: mine examples ## run one kind of test
	$(Q)$(BUN) tests/run.ts $*
test-vm: mine-for-every-target examples ## run the tests in virtual machines
	$(Q)$(BUN) tests/run.ts vm

SOAK_TESTS := host/losses host/endurance host/environment vm/losses/losses vm/random-messages/random-messages

.PHONY: soak
soak: setup ## run the full form of tests that make test shortens; takes over an hour
	$(Q)$(MAKE) --no-print-directory mine
	$(Q)MINE_SOAK=1 $(BUN) test --timeout 60000 $(SOAK_TESTS:%=tests/%.test.ts)

.PHONY: demo
demo: setup ## show mine at work on real ipset commands; in a VM if this host cannot run it
	$(Q)$(MAKE) --no-print-directory mine
	$(Q)scripts/demo.sh

include bench/build.mk

.PHONY: bench
bench: ## compare mine with C, bpftrace and BCC in a VM; writes docs/benchmarks.md (BENCH_ROUNDS=1 ...)
	$(Q)scripts/setup.sh bench
	$(Q)$(MAKE) --no-print-directory mine $(BENCH_PROGRAMS)
	$(Q)$(BUN) bench/bench.ts

.PHONY: bench-packets
bench-packets: ## measure the cost per packet of backend tracepoint; on this host, in namespaces
	$(Q)$(MAKE) --no-print-directory mine $(BENCH)/packets
	$(Q)bench/packets.sh $(BENCH)/packets ./mine

# Generates headers from an old and a new kernel. Either must compile bpf/
# (tests/unit/vmlinux-headers.test.ts).
.PHONY: vmlinux-headers
vmlinux-headers: export CLANG := $(CLANG)
vmlinux-headers: export BPFTOOL := $(BPFTOOL)
vmlinux-headers: export LIBBPF_CFLAGS := $(LIBBPF_CFLAGS)
vmlinux-headers: $(LIBBPF_HEADERS) ## regenerate vmlinux/*.h from Debian's kernels
	$(Q)kernel=$$(tests/vm/fetch-kernel.sh bullseye 5.10) && \
		scripts/build-vmlinux.sh "$$kernel/vmlinuz" vmlinux/vmlinux_5.10.h
	$(Q)kernel=$$(tests/vm/fetch-kernel.sh sid 7.2) && \
		scripts/build-vmlinux.sh "$$kernel/vmlinuz" vmlinux/vmlinux_7.2.h

.PHONY: clean
clean: ## remove build results (downloads stay in their cache)
	$(Q)rm -rf .output dist mine src/core/libbpf.so

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z -]*\):[^=]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 40
