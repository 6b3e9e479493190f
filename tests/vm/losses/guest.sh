# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: sends commands as fast as the kernel accepts them, while several mine trace.
#
#   BACKENDS       backends to test, separated by commas; with the suffix -perf as on 4.15
#   FLOOD          number of commands for each mine that is stopped meanwhile or has a filter
#   THREADS        number of threads that are in a handler at once
#
#   /results/NAME.stdout, .stderr   mine's output
#   /results/WHAT.sent              the sender's counts
set -eu

start_mine() { # NAME BACKEND OPTION...
  name=$1 backend=$2
  shift 2
  unset MINE_ASSUME_KERNEL
  case $backend in *-perf) export MINE_ASSUME_KERNEL=4.15 ;; esac
  /usr/local/bin/mine --backend "${backend%-perf}" "$@" >"/results/$name.stdout" 2>"/results/$name.stderr" &
  pids="$pids $!"
  /usr/local/bin/await-tracing $! "/results/$name.stderr"
}
end_all() {
  for pid in $pids; do
    kill -INT "$pid"
    wait "$pid"
  done
  pids=''
}
pids=''
# shellcheck disable=SC2153 # from the test
backends=$(echo "$BACKENDS" | tr , ' ')

for backend in $backends; do
  start_mine "small.$backend" "$backend" --buffer 64K
done
stopped=$pids
start_mine set kprobe --set flood1
start_mine failed fexit --failed
start_mine uid fexit --uid 65534
start_mine command kprobe-perf --command del --comm sender
# shellcheck disable=SC2086 # several
kill -STOP $stopped
/usr/local/bin/sender flood "$FLOOD" >/results/flood.sent
# shellcheck disable=SC2086
kill -CONT $stopped
end_all

# Each thread waits in ip_set_create() for a module that never comes.
printf '#!/bin/sh\nexec sleep 1\n' >/tmp/modprobe
chmod +x /tmp/modprobe
echo /tmp/modprobe >/proc/sys/kernel/modprobe
start_mine missing kprobe
/usr/local/bin/sender missing "$THREADS" >/results/missing.sent
end_all
