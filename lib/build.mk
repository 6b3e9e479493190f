# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Builds libbpf, libelf and zlib from pinned sources, and a small shim. Links them into one .so that needs
# only libc.
#
#   LIBBPF_SRC=DIR ELFUTILS_SRC=DIR ZLIB_SRC=DIR   build these trees instead (copied, never changed)
#
# Variables for the rest of the build:
#   LIBBPF_SO        the library
#   LIBBPF_HEADERS   prerequisite of each file that includes <bpf/*.h>
#   LIBBPF_CFLAGS    include paths of these headers

LIB := $(OUTPUT)/lib
LIB_SRC := $(abspath $(LIB))/src

LIBBPF_SO := $(LIB)/libbpf.so
LIBBPF_HEADERS := $(LIB)/include/bpf/.ready
LIBBPF_CFLAGS := -I$(LIB)/include -I$(LIB)/src/libbpf/include/uapi

# libbpf's own Makefile sets -D_FILE_OFFSET_BITS=64, this one does not. On 64-bit machines it only renames
# fcntl() to a symbol of glibc 2.28.
LIB_CFLAGS := -O2 -fPIC -fvisibility=hidden -std=gnu11 -fstack-protector-strong \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(LIB_SRC)/=
ifeq ($(ARCH),arm64)
  # The functions for new atomic instructions call __getauxval(), which musl lacks and glibc 2.17 has not on arm64.
  LIB_CFLAGS += -mno-outline-atomics
endif
LIBBPF_INCLUDES := -I$(LIB_SRC)/libbpf/src -I$(LIB_SRC)/libbpf/include -I$(LIB_SRC)/libbpf/include/uapi
LIBELF_INCLUDES := -I$(LIB_SRC)/elfutils/libelf
ZLIB_INCLUDES := -I$(LIB_SRC)/zlib
# nopack-relative-relocs: some distributions pack by default, and glibc before 2.36 cannot load that.
LIB_LDFLAGS := -shared -s -Wl,-soname,libbpf.so.1 -Wl,-z,now -Wl,-z,relro \
	-Wl,--no-undefined -Wl,--no-undefined-version -Wl,--gc-sections
ifneq ($(MUSL),)
  # Only the headers of musl, the compiler and the kernel.
  LIB_CFLAGS += -nostdinc -isystem $(abspath $(MUSL))/include -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(abspath $(MUSL))/kernel
  LIB_LDFLAGS += -nostdlib -L$(MUSL)/lib
  LIB_LIBS := -lc

$(MUSL)/.ready: lib/fetch-musl.sh | $(TOOLS)
	$(call msg,MUSL,$(MUSL))
	$(Q)lib/fetch-musl.sh $(ARCH) $(MUSL)
	$(Q)touch $@
endif

# A change of the compiler, the flags or the named source trees rebuilds everything.
lib-config := $(CC) $(LIB_CFLAGS) $(LIB_LDFLAGS) $(LIBBPF_SRC) $(ELFUTILS_SRC) $(ZLIB_SRC)
ifneq ($(lib-config),$(file <$(LIB)/config))
  $(shell mkdir -p $(LIB))
  $(file >$(LIB)/config,$(lib-config))
endif

# $(call source,NAME,DIR): makes a fresh, patched copy of the source NAME. It comes from DIR, or from the
# pinned tarball if DIR is empty.
define source
$(LIB)/src/$1/.ready: lib/fetch-source.sh lib/sources.txt $(LIB)/config $(MUSL:%=%/.ready) \
		$(wildcard patches/$1/*.patch) $(if $2,$(shell find $2 -name '*.[ch]')) | $(TOOLS)
	$$(call msg,SOURCE,$1)
	$$(Q)mkdir -p $$(LIB)/src
	$$(Q)lib/fetch-source.sh $1 $$(LIB)/src/$1 $2
	$$(Q)touch $$@
endef
$(eval $(call source,libbpf,$(LIBBPF_SRC)))
$(eval $(call source,elfutils,$(ELFUTILS_SRC)))
$(eval $(call source,zlib,$(ZLIB_SRC)))

# $(call archive,FLAGS,SOURCES): compiles third-party sources into $@, without warnings. One call of the
# compiler takes all files, so the shell expands the wildcards when the source tree is there.
define archive
	$(call msg,CC,$@)
	$(Q)rm -rf $(@:.a=) $@ && mkdir -p $(@:.a=)
	$(Q)cd $(@:.a=) && $(CC) $(LIB_CFLAGS) -w $1 -c $2
	$(Q)$(AR) rcs $@ $(@:.a=)/*.o
endef

$(LIB)/libbpf.a: $(LIB)/src/libbpf/.ready $(LIB)/src/elfutils/.ready $(LIB)/src/zlib/.ready
	$(call archive,-DSHARED $(LIBBPF_INCLUDES) $(LIBELF_INCLUDES) $(ZLIB_INCLUDES),$(LIB_SRC)/libbpf/src/*.c)

$(LIB)/libelf.a: $(LIB)/src/elfutils/.ready $(LIB)/src/zlib/.ready lib/elfutils/config.h
	$(call archive,-DHAVE_CONFIG_H -DPIC -I$(abspath lib/elfutils) $(LIBELF_INCLUDES) \
	  -I$(LIB_SRC)/elfutils/lib $(ZLIB_INCLUDES),$(LIB_SRC)/elfutils/libelf/*.c $(LIB_SRC)/elfutils/lib/eu-search.c)

$(LIB)/libz.a: $(LIB)/src/zlib/.ready
	$(call archive,-DHAVE_UNISTD_H -DHAVE_HIDDEN,$(LIB_SRC)/zlib/*.c)

$(LIB)/shim.o $(LIB)/glibc-compat.o: $(LIB)/%.o: lib/%.c $(LIB)/src/libbpf/.ready
	$(call msg,CC,$@)
	$(Q)$(CC) $(LIB_CFLAGS) -ffunction-sections -Wall -Wextra $(LIBBPF_INCLUDES) -c $< -o $@

# glibc-compat.o is linked as an object, not in an archive, so that its functions take precedence over those
# of libc.
$(LIBBPF_SO): $(LIB)/shim.o $(if $(filter glibc,$(LIBC)),$(LIB)/glibc-compat.o) $(LIB)/libbpf.a $(LIB)/libelf.a $(LIB)/libz.a \
		lib/shim.map lib/check-exports.sh scripts/check-glibc.sh
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LIB_LDFLAGS) -Wl,--version-script=$(LIB)/src/libbpf/src/libbpf.map -Wl,--version-script=lib/shim.map \
	  $(filter %.o,$^) -Wl,--whole-archive $(LIB)/libbpf.a -Wl,--no-whole-archive $(LIB)/libelf.a $(LIB)/libz.a $(LIB_LIBS) -o $@
	$(Q)lib/check-exports.sh $@ $(LIB)/src/libbpf/src/libbpf.map
	$(Q)$(if $(filter glibc,$(LIBC)),scripts/check-glibc.sh $@)

$(LIBBPF_HEADERS): $(LIB)/src/libbpf/.ready
	$(call msg,HEADERS,$(@D))
	$(Q)rm -rf $(@D) && mkdir -p $(@D)
	$(Q)cp $(LIB)/src/libbpf/src/*.h $(@D)/
	$(Q)touch $@
