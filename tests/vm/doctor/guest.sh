# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs `mine doctor` in a test machine, once for each row of the matrix that has this kernel, and, if TROUBLES is
# set, without parts of the system.
#
#   ROWS   NAME:BTF:ASSUME:KPROBES ..., columns of tests/vm/KERNELS
#
#   /results/NAME.json, NAME.stderr, NAME.exit   of each examination
#   /results/NAME.btf                            mine's file, on a row without BTF
#   /results/text                                the report for people
#   /results/sets, probes                        sets and probes that are left behind
set -eu

examine() { # NAME COMMAND...: runs mine through the command, with the BTF file $btf if it is set
  name=$1
  shift
  status=0
  "$@" /usr/local/bin/mine doctor --json ${btf:+--btf "$btf"} >"/results/$name.json" 2>"/results/$name.stderr" || status=$?
  echo $status >"/results/$name.exit"
}

hidden() { # COMMAND...: runs it as if the kernel had no BTF of its own
  if [ ! -d /sys/kernel/btf ]; then
    "$@"
    return
  fi
  mount --bind /empty /sys/kernel/btf
  "$@"
  umount /sys/kernel/btf
}

# Gives mine ids that other fields have too: the login user 0, and, if the kernel lets it choose, a process id that is
# the process's priority: 120 + nice. A process of the kernel can take the first of these ids.
write_btf() {
  echo 119 >/proc/sys/kernel/ns_last_pid || true
  (
    echo 0 >/proc/self/loginuid || true # a kernel can lack audit
    read -r pid _ </proc/self/stat
    echo "$pid" >"/results/$name.btf.pid"
    renice -n $((pid - 120)) "$pid"
    exec /usr/local/bin/mine btf -o "/results/$name.btf" 2>"/results/$name.btf.stderr"
  )
}

as_row() { # ROW
  name=${1%%:*}
  assume=${1#*:*:}
  assume=${assume%:*}
  case $1 in
  *:none:*)
    mv /boot /boot-away 2>/dev/null || true
    hidden examine "$name" env MINE_ASSUME_KERNEL="${assume#-}"
    hidden write_btf
    btf=/results/$name.btf
    hidden examine "$name-with-file" env MINE_ASSUME_KERNEL="${assume#-}"
    btf=
    mv /boot-away /boot 2>/dev/null || true
    ;;
  *:file:*) hidden examine "$name" env MINE_ASSUME_KERNEL="${assume#-}" ;;
  *) examine "$name" env MINE_ASSUME_KERNEL="${assume#-}" ;;
  esac
}

btf=
uname -r >/results/release
mkdir /empty

if [ -n "$TROUBLES" ]; then
  # This comes before the first command that loads the module.
  mv /lib/modules /lib/modules-away
  examine no-module env
  mv /lib/modules-away /lib/modules
  set_type=$(find /lib/modules -name 'ip_set_hash_ip.ko*')
  mv "$set_type" /set-type
  examine no-set-type env
  mv /set-type "$set_type"
  # busybox's setpriv cannot do this.
  examine no-right /usr/local/bin/setpriv --bounding-set=-sys_admin,-perfmon,-bpf
  namespaces=$(cat /proc/sys/user/max_net_namespaces)
  echo 0 >/proc/sys/user/max_net_namespaces
  examine no-namespace env
  echo "$namespaces" >/proc/sys/user/max_net_namespaces
fi

for row in $ROWS; do
  case $row in *:off) echo 0 >/sys/kernel/debug/kprobes/enabled ;; esac
  as_row "$row"
  echo 1 >/sys/kernel/debug/kprobes/enabled
done

if [ -n "$TROUBLES" ]; then
  echo 0 >/sys/kernel/debug/kprobes/enabled
  umount /sys/kernel/debug
  examine deaf env
  hidden examine deaf-without-btf env
  mount -t debugfs debugfs /sys/kernel/debug
  echo 1 >/sys/kernel/debug/kprobes/enabled
fi

/usr/local/bin/mine doctor >/results/text
ipset list -name >/results/sets
cat /sys/kernel/tracing/kprobe_events >/results/probes
