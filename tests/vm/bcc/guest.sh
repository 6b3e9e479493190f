# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: mine and examples/bcc/mine.py trace the commands of workload.sh and of record.sh.
#
#   /results/watch/NAME.*   stdout, stderr and exit code of each
set -eu

watch=/results/watch

tar -x -f /headers.tar -C /
rm /headers.tar
modprobe ip_set # mine.py probes functions of this module

start() { # NAME COMMAND...
  name=$1
  shift
  "$@" >"$watch/$name.stdout" 2>"$watch/$name.stderr" &
  echo $! >"/run/$name.pid"
  /usr/local/bin/await-tracing $! "$watch/$name.stderr"
}

stop() { # NAME
  pid=$(cat "/run/$1.pid")
  kill -INT "$pid"
  status=0
  wait "$pid" || status=$?
  echo $status >"$watch/$1.exit"
}

mkdir $watch
# mine.py starts as on a kernel without BTF; mine starts later, and can choose any backend.
mount -t tmpfs -o ro tmpfs /sys/kernel/btf
start bcc python3 -B /repository/examples/bcc/mine.py
umount /sys/kernel/btf
start mine /usr/local/bin/mine
sh /workload.sh
sh /record.sh
stop mine
stop bcc
