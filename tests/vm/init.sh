#!/bin/busybox ash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# The first process of a test machine: prepares it, runs /vm/script, sends the files in /results, and turns
# the machine off. The terminal $RESULTS_TTY carries the results, and $LIVE_TTY a live script's output; the kernel's
# command line names both.
# If this script fails, the kernel panics without a first process, which ends QEMU without results. The caller
# reports that as a failure of the machine, not of the test.
set -eu

/bin/busybox mkdir -p /bin /sbin /usr/bin /usr/sbin /proc /sys /dev /tmp /run /results
/bin/busybox --install -s
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir /dev/shm
for directory in /dev/shm /tmp /run; do
  mount -t tmpfs -o mode=1777 tmpfs $directory
done
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug || echo "init: this kernel has no debugfs"
ip link set lo up

# shellcheck source=/dev/null # written by tests/support/vm-image.ts
. /vm/environment
if [ -e /vm/hide-btf ] && [ -d /sys/kernel/btf ]; then
  mount -t tmpfs -o ro tmpfs /sys/kernel/btf
fi

if [ -d /musl ]; then
  for directory in proc sys dev lib/modules etc; do
    mkdir -p /musl/$directory
    mount --rbind /$directory /musl/$directory
  done
fi

# Raw mode: otherwise the terminals turn every newline into two bytes.
stty raw -echo <"/dev/$RESULTS_TTY"
stty raw -echo <"/dev/$LIVE_TTY"

cut -d ' ' -f 1 /proc/uptime >/results/boot-seconds
if [ -e /vm/live ]; then
  exec 3>"/dev/$LIVE_TTY" 4>&3
else
  exec 3>/results/stdout 4>/results/stderr
fi
status=0
/bin/sh /vm/script </dev/null >&3 2>&4 || status=$?
echo "$status" >/results/exit

tar -cz -C /results . >"/dev/$RESULTS_TTY"
reboot -f
