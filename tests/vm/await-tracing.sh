#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# In every test machine, as /usr/local/bin/await-tracing: waits until a mine traces; fails when it ends before that.
#
#   await-tracing PID STDERR   of that mine; the file need not be there yet
set -eu

until grep -qs '^Tracing' "$2"; do
  kill -0 "$1"
  sleep 0.1
done
