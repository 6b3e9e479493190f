#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Prints a directory with the headers of one of Debian's kernels, against which BCC compiles: usr/src,
# lib/modules/RELEASE/{build,source}.
#
#   bench/fetch-headers.sh SUITE RELEASE
#   bench/fetch-headers.sh bookworm 6.1.0-50-cloud-amd64
#
# Fetches the packages once, and unpacks them into the cache without an installation.
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n '4,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
suite=$1
release=$2

debian=$(cd "$(dirname "$0")/.." && pwd)/scripts/debian.sh
headers=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/headers/$release
if [ -d "$headers" ]; then
  echo "$headers"
  exit
fi
mkdir -p "$(dirname "$headers")"
# The work happens beside the final directory, which one rename creates once it is complete.
work=$(mktemp -d "$headers.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetch-headers.sh: fetching linux-headers-$release of $suite" >&2
if ! common=$("$debian" "$suite" apt-cache depends --important "linux-headers-$release" |
  sed -nE 's/^ *Depends: (linux-headers-[^ ]+-common)$/\1/p') || [ -z "$common" ]; then
  echo "fetch-headers.sh: Debian $suite has no headers of $release any more" >&2
  echo "fetch-headers.sh: remove that kernel from the cache, so that tests/vm/fetch-kernel.sh takes the newest" >&2
  exit 1
fi
(cd "$work" && "$debian" "$suite" apt-get -qq download "linux-headers-$release" "$common") >&2
mkdir "$work/root"
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$work/root"
done
# BCC needs neither other architectures nor the build's programs.
find "$work/root/usr/src" -mindepth 2 -maxdepth 2 ! -name include ! -name arch ! -name 'Makefile' -exec rm -rf {} +
find "$work/root/usr/src" -mindepth 3 -maxdepth 3 -path '*/arch/*' ! -name x86 -exec rm -rf {} +
rm -rf "$work/root/usr/share"
# Since 6.12 the packages have their modules' directory below usr.
[ -d "$work/root/lib" ] || mv "$work/root/usr/lib" "$work/root/lib"
mv "$work/root" "$headers"
echo "$headers"
