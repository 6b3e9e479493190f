# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: removes, one after the other, the things that mine needs, and records its error.
#
#   /results/NAME.stderr, NAME.exit   of each refusal
set -eu

refused() { # NAME COMMAND...: runs mine through the command; MINE_ARGS: its arguments
  name=$1
  shift
  status=0
  # shellcheck disable=SC2086 # words
  "$@" timeout 20 /usr/local/bin/mine ${MINE_ARGS-} >"/results/$name.stdout" 2>"/results/$name.stderr" || status=$?
  echo $status >"/results/$name.exit"
}

uname -r >/results/release

# Every later run loads the module.
mv /lib/modules /lib/modules-away
refused no-module
mv /lib/modules-away /lib/modules

# These come first: mine reports the first cause that it meets, and the later steps remove more.
mkdir /empty
mount --bind /empty /sys/kernel/btf
# In a PID namespace mine cannot find the offsets in the kernel's memory.
refused no-btf unshare -p -f
echo "not BTF" >"/boot-file"
mkdir -p /boot
cp /boot-file "/boot/vmlinux-$(uname -r)"
refused broken-btf unshare -p -f
chmod 666 "/boot/vmlinux-$(uname -r)"
refused writable-btf unshare -p -f
rm "/boot/vmlinux-$(uname -r)"
umount /sys/kernel/btf

# Another kernel's BTF.
for backend in kprobe tracepoint; do
  MINE_ARGS="--backend $backend --btf /other-kernel.btf" refused other-btf-$backend
done

umount /sys/kernel/tracing
umount /sys/kernel/debug
# As before 5.2, where tracefs cannot be mounted privately.
refused no-tracefs env MINE_ASSUME_KERNEL=4.15 \
  /usr/local/bin/strace -f --seccomp-bpf -o /dev/null -e trace=fsopen -e inject=fsopen:error=ENOSYS

# Lockdown cannot be undone, so it comes last.
mount -t securityfs securityfs /sys/kernel/security
echo confidentiality >/sys/kernel/security/lockdown
refused lockdown
