#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# /usr/local/bin/mine of a test machine that runs a build for musl: runs it where no other C library is.
exec chroot /musl /usr/local/bin/mine "$@"
