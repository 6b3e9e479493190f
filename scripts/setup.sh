#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Checks for the programs that the build (or the tests) call, and installs missing ones.
#
#   scripts/setup.sh build|dist|test|bench [ARCH]
#
# ARCH: x64 or arm64, for a build for this architecture on another one.
#
# It installs packages with apt, as root or through sudo without a password. Elsewhere it only names them.
set -euo pipefail

# program:package
build=(
  node:nodejs npm:npm gcc:gcc make:make git:git xz:xz-utils bzip2:bzip2 patch:patch readelf:binutils
  clang:clang llvm-strip:llvm bpftool:bpftool
)
dist=("${build[@]}" dpkg-deb:dpkg rpmbuild:rpm)
test=(
  "${dist[@]}"
  skopeo:skopeo umoci:umoci crun:crun
  qemu-system-x86_64:qemu-system-x86 qemu-system-aarch64:qemu-system-arm busybox:busybox-static ipset:ipset depmod:kmod unshare:util-linux
  pahole:pahole zstd:zstd lz4:lz4 lzop:lzop llvm-objdump:llvm shellcheck:shellcheck clang-format:clang-format
  strace:strace bash:bash zsh:zsh fish:fish man:man-db groff:groff-base mandoc:mandoc script:bsdutils
  prometheus:prometheus prometheus-node-exporter:prometheus-node-exporter rsyslogd:rsyslog logrotate:logrotate
  dockerd:docker.io containerd:containerd podman:podman ip:iproute2 openssl:openssl jq:jq
  fail2ban-server:fail2ban auditctl:auditd
)
bench=("${test[@]}" bpftrace:bpftrace python3:python3)
# file:package, for a package without a program to search for
build_files=(/usr/include/stdio.h:libc6-dev)
test_files=(
  "${build_files[@]}"
  /etc/protocols:netbase /usr/share/zoneinfo/Europe/Berlin:tzdata /usr/lib/python3/dist-packages/pyroute2:python3-pyroute2
  /usr/lib/python3/dist-packages/bcc:python3-bpfcc /lib/systemd/systemd:systemd /lib/systemd/system/dbus.service:dbus
  /lib/systemd/systemd-journal-remote:systemd-journal-remote /var/lib/dpkg/info/rsyslog-relp.list:rsyslog-relp
)
cross_arm64=(aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu)
cross_arm64_files=(/usr/aarch64-linux-gnu/include/stdio.h:libc6-dev-arm64-cross)
cross_x64=(x86_64-linux-gnu-gcc:gcc-x86-64-linux-gnu)
cross_x64_files=(/usr/x86_64-linux-gnu/include/stdio.h:libc6-dev-amd64-cross)
case ${1-} in
  build) wanted=("${build[@]}") files=("${build_files[@]}") ;;
  dist) wanted=("${dist[@]}") files=("${build_files[@]}") ;;
  test) wanted=("${test[@]}") files=("${test_files[@]}") ;;
  bench) wanted=("${bench[@]}") files=("${test_files[@]}") ;;
  *)
    echo "usage: scripts/setup.sh build|dist|test|bench [ARCH]" >&2
    exit 2
    ;;
esac
case ${2-} in
  arm64) wanted+=("${cross_arm64[@]}") files+=("${cross_arm64_files[@]}") ;;
  x64) wanted+=("${cross_x64[@]}") files+=("${cross_x64_files[@]}") ;;
esac

# Some programs are in directories that are not in a user's PATH.
PATH=$PATH:/usr/sbin:/sbin
packages=()
for entry in "${wanted[@]}"; do
  command -v "${entry%%:*}" >/dev/null || packages+=("${entry#*:}")
done
for entry in "${files[@]}"; do
  [ -e "${entry%%:*}" ] || packages+=("${entry#*:}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "setup.sh: missing, by the names of Debian's packages: ${packages[*]}" >&2
  echo "setup.sh: install them, for instance: sudo apt-get install ${packages[*]}" >&2
  exit 1
fi
echo "setup.sh: installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" apt-get -qq install --no-install-recommends "${packages[@]}" >/dev/null
