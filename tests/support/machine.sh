#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Boots systemd on this kernel, as another host: with its own network, host name, processes and files. Its root is this
# host's one, and what it writes is in memory.
#
#   unshare --mount machine.sh boot NAME DIR      until the end of stdin; DIR/pid has the process of its systemd
#   unshare --mount machine.sh beside DIR PROGRAM [ARGUMENT...]
#
# DIR/files is copied over its root. `beside` runs a program in the PID namespace of this host, with the host name, the
# network and the log sockets of that machine: mine needs the PID namespace of its kernel.
set -euo pipefail

verb=$1
shift

# Makes a /dev that can have a /dev/log of its own.
make_dev() {
  mount -t tmpfs -o mode=755 tmpfs "$1"
  cp -a /dev/{null,zero,full,random,urandom,tty} "$1"
  ln -s /proc/self/fd "$1/fd"
  ln -s pts/ptmx "$1/ptmx"
  mkdir "$1/shm" "$1/pts"
}

boot() {
  local name=$1 dir=$2 group guest
  mkdir -p "$dir"/{cgroup,journal,private}
  # A mount of this script alone: the place of the host's own one does not matter.
  mount -t cgroup2 cgroup2 "$dir/cgroup"
  group=$dir/cgroup/mine-test-$name-$$
  mkdir "$group"
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    exec setpriv --pdeathsig KILL unshare --cgroup --pid --fork --kill-child --mount --net --uts --ipc \
      bash "$0" guest "$name" "$dir"
  ) </dev/null &
  guest=$!
  read -r _ || true
  kill -KILL "$guest"
  wait "$guest" || true
  until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done
}

guest() {
  local name=$1 dir=$2 pid root
  # /proc is still that of the host, so this is the number there.
  read -r pid _ </proc/self/stat
  mount -t tmpfs tmpfs "$dir/private"
  root=$dir/private/root
  mkdir "$dir"/private/{upper,work,root}
  mount -t overlay -o "lowerdir=/,upperdir=$dir/private/upper,workdir=$dir/private/work" overlay "$root"
  mount -t proc proc "$root/proc"
  # Settings and devices are those of the host, but for the network.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  make_dev "$root/dev"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mkdir -p "$root/run/systemd/journal"
  mount --bind "$dir/journal" "$root/run/systemd/journal"
  hostname "$name"
  echo "$name" >"$root/etc/hostname"
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
  # Timers and file systems of the host have nothing to do with a test.
  ln -sf /dev/null "$root/etc/systemd/system/timers.target"
  rm -f "$root"/etc/{fstab,crypttab}
  cp -a "$dir/files/." "$root/"
  echo "$pid" >"$dir/pid.new"
  mv "$dir/pid.new" "$dir/pid"
  cd "$root"
  pivot_root . tmp
  # systemd gives its services their credentials through shared mounts. In a container it does not make them itself.
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=mine-test \
    setpriv --bounding-set=-sys_module,-sys_boot,-sys_time,-sys_rawio \
    chroot . sh -c 'umount -l /tmp && mount --make-rshared / && exec "$@"' sh \
    /lib/systemd/systemd --unit=basic.target --show-status=false
}

beside() {
  local dir=$1 pid
  shift
  pid=$(<"$dir/pid")
  mkdir -p "$dir/dev"
  make_dev "$dir/dev"
  mount --move "$dir/dev" /dev
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/systemd/journal
  mount --bind "$dir/journal" /run/systemd/journal
  ln -s /run/systemd/journal/dev-log /dev/log
  exec nsenter --target "$pid" --uts --net "$@"
}

"$verb" "$@"
