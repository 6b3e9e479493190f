# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The machine that runs mine: this one, or another that the build is for.
#
#   make mine                          this machine: ./mine, all other results in .output/
#   make ARCH=arm64 LIBC=musl mine     another one: .output/linux-arm64-musl/mine, and its results beside it
#
#   ARCH    x64 or arm64
#   LIBC    glibc or musl
#
# Variables for the rest of the build:
#   TARGET        linux-ARCH[-musl], as in Bun's names
#   IS_NATIVE     not empty if the build is for this machine
#   BPF_ARCH      the architecture's name in bpf_tracing.h
#   OUTPUT        directory of all results
#   MINE          the binary
#   HOSTCC        compiler for this machine
#   CC, AR        compiler and archiver for the target
#   MUSL          directory with musl's headers and library; empty if the compiler has its own

HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x64,$(shell uname -m)))
HOST_LIBC := $(if $(findstring musl,$(shell $(CC) -dumpmachine)),musl,glibc)
ARCH ?= $(HOST_ARCH)
LIBC ?= $(HOST_LIBC)

ifeq ($(filter x64 arm64,$(ARCH)),)
  $(error ARCH=$(ARCH): mine runs on x64 and arm64)
endif
ifeq ($(filter glibc musl,$(LIBC)),)
  $(error LIBC=$(LIBC): mine runs with glibc and musl)
endif

TARGET := linux-$(ARCH)$(LIBC:%=-%)
TARGET := $(TARGET:%-glibc=%)
IS_NATIVE := $(and $(filter $(HOST_ARCH),$(ARCH)),$(filter $(HOST_LIBC),$(LIBC)))
OUTPUT := .output$(if $(IS_NATIVE),,/$(TARGET))
MINE := $(if $(IS_NATIVE),mine,$(OUTPUT)/mine)

machine := $(if $(filter x64,$(ARCH)),x86_64,aarch64)
BPF_ARCH := $(if $(filter x64,$(ARCH)),x86,arm64)
HOSTCC := $(CC)
ifneq ($(ARCH),$(HOST_ARCH))
  ifeq ($(origin CC),default)
    CC := $(machine)-linux-gnu-gcc
    AR := $(machine)-linux-gnu-ar
  endif
endif
ifneq ($(LIBC),$(HOST_LIBC))
  MUSL := $(OUTPUT)/musl
endif
