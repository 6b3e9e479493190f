#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Prints a directory with a Debian kernel, ready to boot: vmlinuz, release, arch, lib/modules/RELEASE.
#
#   tests/vm/fetch-kernel.sh SUITE SERIES [ARCH]
#   tests/vm/fetch-kernel.sh bookworm 6.1
#   tests/vm/fetch-kernel.sh bookworm 6.1 arm64
#
# ARCH: x64 (the default) or arm64.
#
# Fetches the packages once, and unpacks them into the cache without an installation. A kernel in the
# cache is used unchanged. Remove its directory to get the suite's newest.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  sed -n '4,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
suite=$1
series=$2
arch=${3:-x64}

fail() {
  printf 'fetch-kernel.sh: %s\n' "$@" >&2
  exit 1
}
case $arch in
  x64) architecture=amd64 ;;
  arm64) architecture=arm64 ;;
  *) fail "$arch is not x64 or arm64" ;;
esac
export DEBIAN_ARCH=$architecture
debian=$(cd "$(dirname "$0")/../.." && pwd)/scripts/debian.sh
cache=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/kernels
kernel=$cache/$suite-$series
[ "$arch" = x64 ] || kernel=$kernel-$arch
mkdir -p "$cache"

# Two tests that need the same kernel share one download.
exec 9>"$kernel.lock"
flock 9
if [ -d "$kernel" ]; then
  echo "$kernel"
  exit
fi
command -v busybox >/dev/null || fail "busybox is missing (it indexes the modules)" "apt-get install busybox-static"

# By name, not through the linux-image-cloud-* metapackage: a suite that moves to its next series
# often keeps the last one for a while. Cloud kernels come first, because they have a third of the size.
offered=$("$debian" "$suite" apt-cache pkgnames linux-image-)
packages=()
for flavour in "cloud-$architecture" "$architecture"; do
  pattern="^linux-image-${series//./\\.}[-.][0-9.]+(\+[a-z0-9]+)?(-[0-9]+)?-$flavour\$"
  package=$(grep -E "$pattern" <<<"$offered" | sort -V | tail -n 1 || true)
  [ -z "$package" ] || packages+=("$package")
done
if [ ${#packages[@]} -eq 0 ]; then
  found=$(sed -nE "s/^linux-image-([0-9]+\.[0-9]+)\..*-$architecture\$/\1/p" <<<"$offered" | sort -Vu | paste -sd ' ')
  fail "looked in Debian $suite for a kernel of the $series series, found: ${found:-none}" \
    "the suite has moved on: give the rows of tests/vm/KERNELS that name it a series that it has"
fi

# The work happens beside the final directory, which one rename creates once it is complete.
work=$(mktemp -d "$kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT

for package in "${packages[@]}"; do
  echo "fetch-kernel.sh: fetching $package of $suite" >&2
  rm -rf "$work"
  mkdir -p "$work/packages" "$work/kernel/lib"
  # Since 7.x the image package is empty: the kernel and its modules are packages that it depends on.
  parts=$("$debian" "$suite" apt-cache depends --important "$package" |
    sed -nE 's/^ *Depends: (linux-(binary|modules)-[^ ]+)$/\1/p')
  # shellcheck disable=SC2086 # a list of package names
  (cd "$work/packages" && "$debian" "$suite" apt-get -qq download "$package" $parts) >&2
  for deb in "$work"/packages/*.deb; do
    dpkg-deb -x "$deb" "$work/root"
  done

  ip_set=$(find "$work/root" -name 'ip_set.ko*')
  if [ -z "$ip_set" ]; then
    echo "fetch-kernel.sh: $package has no ip_set module" >&2
    continue
  fi
  modules=${ip_set%%/kernel/*} # [/usr]/lib/modules/RELEASE
  release=${modules##*/}
  mv "$(dirname "$modules")" "$work/kernel/lib/modules"
  # Uncompressed modules load without a decompressor.
  find "$work/kernel/lib" -name '*.ko.xz' -print0 | xargs -0r -n 64 busybox unxz
  busybox depmod -b "$work/kernel" "$release"
  # Up to 6.x the kernel is in /boot, and later beside its modules.
  for vmlinuz in "$work/root/boot/vmlinuz-$release" "$work/kernel/lib/modules/$release/vmlinuz"; do
    [ ! -e "$vmlinuz" ] || mv "$vmlinuz" "$work/kernel/vmlinuz"
  done
  [ -e "$work/kernel/vmlinuz" ] || fail "$package has no vmlinuz in /boot or beside its modules"
  echo "$release" >"$work/kernel/release"
  echo "$arch" >"$work/kernel/arch"
  mv "$work/kernel" "$kernel"
  echo "$kernel"
  exit
done
fail "no kernel of Debian $suite has the ip_set module, tried: ${packages[*]}"
