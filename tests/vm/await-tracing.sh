#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Waits until a mine traces; fails if it ends earlier. In every test machine it is /usr/local/bin/await-tracing.
#
#   await-tracing PID STDERR   of that mine; the file need not exist yet
set -eu

until grep -qs '^Tracing' "$2"; do
  kill -0 "$1"
  sleep 0.1
done
