# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: sends random messages as fast as the kernel accepts them, while mine traces.
#
#   BACKEND      backend of mine; with the suffix -perf as on 4.15
#   COUNT, SEED  number of random messages, and their seed
#   KEEP         keeps one of KEEP commands of mine, and every line with a forbidden byte
#
#   /results/mine.stdout, mine.stderr   mine's output
#   /results/sent                       the sender's counts
set -eu

mkfifo /tmp/lines
awk "/\"action\":\"mine-/ { next } ++n % $KEEP == 0 || /[\001-\037\177]/" </tmp/lines >/results/mine.stdout &
reader=$!
case $BACKEND in *-perf) export MINE_ASSUME_KERNEL=4.15 ;; esac
/usr/local/bin/mine --backend "${BACKEND%-perf}" --all -o json >/tmp/lines 2>/results/mine.stderr &
mine=$!
/usr/local/bin/await-tracing "$mine" /results/mine.stderr
/usr/local/bin/sender random "$COUNT" "$SEED" >/results/sent
kill -INT "$mine"
wait "$mine"
wait "$reader"
