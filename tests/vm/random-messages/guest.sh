# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: random messages are sent as fast as the kernel takes them, while mine watches.
#
#   BACKEND      that mine uses; with -perf behind the name, as on 4.15
#   COUNT, SEED  how many random messages, and which
#   KEEP         of mine's lines, one in so many; what no line may hold is always kept
#
#   /results/mine.stdout, mine.stderr   what mine printed
#   /results/sent                       what the sender counted
set -eu

mkfifo /tmp/lines
awk "NR % $KEEP == 0 || /[\001-\037\177]/" </tmp/lines >/results/mine.stdout &
reader=$!
case $BACKEND in *-perf) export MINE_ASSUME_KERNEL=4.15 ;; esac
/usr/local/bin/mine --backend "${BACKEND%-perf}" --all -o json >/tmp/lines 2>/results/mine.stderr &
mine=$!
/usr/local/bin/await-tracing "$mine" /results/mine.stderr
/usr/local/bin/sender random "$COUNT" "$SEED" >/results/sent
kill -INT "$mine"
wait "$mine"
wait "$reader"
