# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Everything that is made goes to .output/, except ./mine itself and what npm keeps in node_modules/.

OUTPUT := .output
ARCH ?= x86
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
all: mine ## build ./mine (the default)

# The programs that the build calls; installs the missing ones where it may.
TOOLS := $(OUTPUT)/tools.ready
$(TOOLS): scripts/setup.sh
	$(call msg,TOOLS,build)
	$(Q)scripts/setup.sh build
	$(Q)mkdir -p $(OUTPUT) && touch $@

include lib/build.mk

# --- BPF objects: one for each backend, compiled for the ring buffer and for what 4.15 can take -------

BPF := $(OUTPUT)/bpf
# There are no trampolines where the legacy ones are needed.
BPF_OBJECTS := $(patsubst %,$(BPF)/%.bpf.o,fexit.modern kprobe.modern kprobe.legacy tracepoint.modern tracepoint.legacy)
# clang does not look there by itself when the target is bpf.
SYSTEM_INCLUDES = $(addprefix -idirafter ,$(shell $(CC) -print-multiarch | sed 's,^,/usr/include/,') /usr/include)
BPF_CFLAGS = -g -O2 -target bpf -ffile-prefix-map=$(CURDIR)=. -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter -Werror \
	-Ibpf -Ivmlinux $(LIBBPF_CFLAGS) $(SYSTEM_INCLUDES)

$(BPF)/%.modern.bpf.o: BPF_FLAVOUR := -mcpu=v3
$(BPF)/%.legacy.bpf.o: BPF_FLAVOUR := -mcpu=v1 -DMINE_LEGACY

$(BPF_OBJECTS): $(wildcard bpf/*) $(wildcard vmlinux/*.h) $(LIBBPF_HEADERS) Makefile | $(BPF) $(TOOLS)
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(BPF_FLAVOUR) -c bpf/$(firstword $(subst ., ,$(@F))).bpf.c -o $@
	$(Q)$(LLVM_STRIP) --strip-debug $@

$(BPF):
	$(Q)mkdir -p $@

# --- TypeScript skeleton: generated from the objects' BTF, committed, and never out of step ----------

SKELETON := src/events/skeleton.gen.ts

$(OUTPUT)/skeleton.gen.ts: $(BPF_OBJECTS) src/core/gen-skeleton.ts node_modules/.ready
	$(call msg,GEN,$@)
	$(Q)BPFTOOL=$(BPFTOOL) $(BUN) src/core/gen-skeleton.ts --import ../core/index.ts $(BPF_OBJECTS) >$@

$(OUTPUT)/skeleton.checked: $(OUTPUT)/skeleton.gen.ts $(SKELETON)
	$(Q)diff -u $(SKELETON) $(OUTPUT)/skeleton.gen.ts || \
		{ echo "$(SKELETON) does not fit bpf/mine.h: run 'make generate' and commit it" >&2; exit 1; }
	$(Q)touch $@

.PHONY: generate
generate: $(OUTPUT)/skeleton.gen.ts ## write src/events/skeleton.gen.ts anew from the BPF objects
	$(Q)cp $< $(SKELETON)

# --- The package bun-libbpf: src/core with the library in it ------------------------------------------

src/core/libbpf.so: $(LIBBPF_SO)
	$(Q)cp $< $@

# For the BPF side of whoever uses the package.
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
	$(Q)node node_modules/bun/install.js # the one script that is needed: puts Bun's binary in its place
	$(Q)touch $@

# The two --no-compile-autoload flags: otherwise the binary, run as root, executes what a bunfig.toml in
# the directory it is started from says, and takes environment variables from a .env there. --smol: the heap
# is collected before it grows to tens of megabytes. --bytecode: half the time of a start was parsing.
# --splitting: what engine.ts imports when it is done is not loaded before.
mine: $(shell find src -name '*.ts') package.json node_modules/.ready $(OUTPUT)/skeleton.checked src/core/libbpf.so \
		scripts/seal-binary.ts
	$(call msg,BUN,$@)
	$(Q)$(BUN) build --compile --minify --bytecode --format=esm --splitting \
		--no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-exec-argv=--smol \
		src/engine.ts --outfile $(OUTPUT)/mine >$(OUTPUT)/bun-build.log || { cat $(OUTPUT)/bun-build.log >&2; exit 1; }
	$(Q)$(BUN) scripts/seal-binary.ts $(OUTPUT)/mine
	$(Q)scripts/check-glibc.sh $(OUTPUT)/mine
	$(Q)mv $(OUTPUT)/mine $@

# --- Examples: small programs on the package alone ----------------------------------------------------

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

# --- Tests, demonstration, upkeep ---------------------------------------------------------------------

.PHONY: setup
setup: ## install what the build and the tests call, where it is missing
	$(Q)scripts/setup.sh test

# In their own make: what setup installs must be there before anything is built.
.PHONY: test
test: setup ## types, lint, unit, host, and every kernel of tests/vm/KERNELS
	$(Q)$(MAKE) --no-print-directory mine examples
	$(Q)$(BUN) tests/run.ts

.PHONY: test-unit test-host test-vm
test-unit test-host test-vm: test-%: mine examples ## one kind of test alone
	$(Q)$(BUN) tests/run.ts $*

SOAK_TESTS := host/losses host/endurance host/environment vm/losses/losses vm/random-messages/random-messages

.PHONY: soak
soak: setup ## in full what make test has in a shortened form: takes an hour and more
	$(Q)$(MAKE) --no-print-directory mine
	$(Q)MINE_SOAK=1 $(BUN) test --timeout 60000 $(SOAK_TESTS:%=tests/%.test.ts)

.PHONY: demo
demo: setup ## watch real ipset commands being audited; in a VM where the host's kernel cannot
	$(Q)$(MAKE) --no-print-directory mine
	$(Q)scripts/demo.sh

include bench/build.mk

.PHONY: bench
bench: ## measure mine beside C, bpftrace and BCC in a VM; writes docs/benchmarks.md (BENCH_ROUNDS=1 ...)
	$(Q)scripts/setup.sh bench
	$(Q)$(MAKE) --no-print-directory mine $(BENCH_PROGRAMS)
	$(Q)$(BUN) bench/bench.ts

.PHONY: bench-packets
bench-packets: ## measure what a packet costs more with backend tracepoint; on this host, in namespaces
	$(Q)$(MAKE) --no-print-directory mine $(BENCH)/packets
	$(Q)bench/packets.sh $(BENCH)/packets ./mine

# From two kernels far apart in age; either must do (tests/unit/vmlinux-headers.test.ts).
.PHONY: vmlinux-headers
vmlinux-headers: export CLANG := $(CLANG)
vmlinux-headers: export BPFTOOL := $(BPFTOOL)
vmlinux-headers: export LIBBPF_CFLAGS := $(LIBBPF_CFLAGS)
vmlinux-headers: $(LIBBPF_HEADERS) ## write vmlinux/*.h anew, from Debian's kernels
	$(Q)kernel=$$(tests/vm/fetch-kernel.sh bullseye 5.10) && \
		scripts/build-vmlinux.sh "$$kernel/vmlinuz" vmlinux/vmlinux_5.10.h
	$(Q)kernel=$$(tests/vm/fetch-kernel.sh sid 7.2) && \
		scripts/build-vmlinux.sh "$$kernel/vmlinuz" vmlinux/vmlinux_7.2.h

.PHONY: clean
clean: ## remove what was built (downloads stay in their cache)
	$(Q)rm -rf $(OUTPUT) mine src/core/libbpf.so

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z -]*\):[^=]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 40
