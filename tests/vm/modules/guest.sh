# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: unloads and loads ip_set again while mine traces, with each form of probes.
#
#   BACKENDS   usable backends, separated by commas
#   PMU        yes: the kernel's PMU can probe functions of modules
#
#   /results/FORM.*   mine's output; FORM.unload: rmmod's output; FORM.modules: the remaining modules
set -eu

watch() { # FORM COMMAND...: the command becomes mine
  form=$1
  shift
  "$@" >"/results/$form.stdout" 2>"/results/$form.stderr" &
  pid=$!
  /usr/local/bin/await-tracing $pid "/results/$form.stderr"
  cp /proc/modules "/results/$form.modules-before"
  ipset create before hash:ip
  ipset destroy before
}
# Unloads the modules. It tries again, because a destroyed set holds its module a little longer.
unload() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    rmmod ip_set_hash_ip || true
    rmmod ip_set || true
    rmmod nfnetlink || true
    grep -q . /proc/modules || break
    sleep 0.2
  done >"/results/$form.unload" 2>&1
  cp /proc/modules "/results/$form.modules"
}
finish() {
  ipset destroy
  kill -INT $pid
  wait $pid
}

# While one process loads a module, modprobe of busybox succeeds in another: /proc/modules lists the module already.
# Then /sys/module does not have it yet.
mkdir /tmp/empty
echo "ip_set 65536 0 - Loading 0x0000000000000000" >/tmp/loading
cat >/tmp/modprobe <<'EOF'
#!/bin/busybox sh
echo /sbin/modprobe >/proc/sys/kernel/modprobe
/sbin/modprobe ip_set
mount --bind /tmp/loading /proc/modules
mount --bind /tmp/empty /sys/module
(
  sleep 1
  # In the kernel's order: the module is in /sys/module before it is live.
  umount /sys/module /proc/modules
) >/dev/null 2>&1 &
EOF
chmod +x /tmp/modprobe
echo /tmp/modprobe >/proc/sys/kernel/modprobe
watch loading /usr/local/bin/mine
finish
unload

# The first command loads ip_set from inside the kernel, and mine reports it.
watch tracefs /usr/local/bin/mine -v --backend kprobe
cp /sys/kernel/tracing/kprobe_events /results/tracefs.probes
unload
ipset create again hash:ip
finish

# The kernel keeps a module whose functions have trampolines.
case $BACKENDS in *fexit*)
  watch fexit /usr/local/bin/mine -v --backend fexit
  unload
  ipset create again hash:ip
  finish
  ;;
esac

[ "$PMU" = yes ] || exit 0

# Without access to tracefs, mounted or not, the probes vanish with the module and mine must create them again.
umount /sys/kernel/tracing
umount /sys/kernel/debug
watch pmu /usr/local/bin/strace -D -f --seccomp-bpf -o /dev/null -e trace=fsopen -e inject=fsopen:error=EPERM \
  /usr/local/bin/mine -v --backend kprobe
unload
modprobe ip_set
until grep -q '^mine: warning: ' /results/pmu.stderr; do
  kill -0 $pid
  sleep 0.1
done
ipset create again hash:ip
finish
