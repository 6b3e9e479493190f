# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The C programs of the bench. The reference links the libbpf that mine embeds, so that both have the same version.
#
# The rest of the build uses:
#   BENCH_PROGRAMS

BENCH := $(OUTPUT)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,reference flooder prober stopwatch packets)
BENCH_CFLAGS := -O2 -Wall -Wextra -Werror

$(BENCH):
	$(Q)mkdir -p $@

$(BENCH)/reference.bpf.o: bench/reference.bpf.c bench/reference.h $(wildcard vmlinux/*.h) \
		$(LIBBPF_HEADERS) | $(BENCH) $(TOOLS)
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -mcpu=v3 -c $< -o $@
	$(Q)$(LLVM_STRIP) --strip-debug $@

$(BENCH)/reference.skel.h: $(BENCH)/reference.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name reference_bpf >$@

$(BENCH)/reference: bench/reference.c bench/reference.h $(BENCH)/reference.skel.h \
		$(LIB)/libbpf.a $(LIB)/libelf.a $(LIB)/libz.a
	$(call msg,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $(LIBBPF_CFLAGS) -I$(BENCH) $< $(LIB)/libbpf.a $(LIB)/libelf.a $(LIB)/libz.a -o $@

$(BENCH)/flooder $(BENCH)/prober: bench/ipset-message.h
$(BENCH)/flooder $(BENCH)/prober $(BENCH)/stopwatch $(BENCH)/packets: $(BENCH)/%: bench/%.c | $(BENCH) $(TOOLS)
	$(call msg,CC,$@)
	$(Q)$(CC) $(BENCH_CFLAGS) $< -o $@
