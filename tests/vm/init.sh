#!/bin/busybox ash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# The first process of a test machine: prepares it, and runs /vm/run. If the machine has systemd, that is the first
# process from then on, and its unit machine.service runs /vm/run. The kernel's command line names the terminals.
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

if [ -e /vm/hide-btf ] && [ -d /sys/kernel/btf ]; then
  mount -t tmpfs -o ro tmpfs /sys/kernel/btf
fi

if [ -d /musl ]; then
  for directory in proc sys dev lib/modules etc; do
    mkdir -p /musl/$directory
    mount --rbind /$directory /musl/$directory
  done
fi

# systemd gives a unit none of the variables from the kernel's command line.
echo "RESULTS_TTY=$RESULTS_TTY LIVE_TTY=$LIVE_TTY" >/vm/terminals
if [ -x /lib/systemd/systemd ]; then
  exec /lib/systemd/systemd --show-status=no
fi
exec /bin/sh /vm/run
