# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine with a kernel that counts maps against RLIMIT_MEMLOCK (before 5.11). mine may lock at most
# 8 MiB, and may not raise that limit.
#
#   /results/BACKEND-KERNEL.*   mine's output, by backend, on this kernel and as on 4.15
set -eu

ulimit -l 8192
for backend in $(echo "$BACKENDS" | tr , ' '); do
  for kernel in here 4.15; do
    name=$backend-$kernel
    if [ $kernel = here ]; then unset MINE_ASSUME_KERNEL; else export MINE_ASSUME_KERNEL=$kernel; fi
    /usr/local/bin/setpriv --bounding-set -sys_resource,-ipc_lock --inh-caps -sys_resource,-ipc_lock \
      /usr/local/bin/mine -v --backend "$backend" >"/results/$name.stdout" 2>"/results/$name.stderr" &
    pid=$!
    /usr/local/bin/await-tracing $pid "/results/$name.stderr"
    grep 'Max locked memory' /proc/$pid/limits >"/results/$name.limit"
    ipset create small hash:ip
    ipset destroy small
    kill -INT $pid
    wait $pid
  done
done
