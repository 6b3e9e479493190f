#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Prints a directory with Debian's programs for another architecture, and their libraries. It is a tree as of /.
#
#   tests/vm/fetch-programs.sh ARCH PACKAGE...
#   tests/vm/fetch-programs.sh arm64 busybox-static ipset
#
# Fetches the packages and their dependencies once, and unpacks them into the cache without an installation.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '4,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
suite=bookworm
export DEBIAN_ARCH=${1/x64/amd64}
shift
packages=$(printf '%s\n' "$@" | sort | paste -sd ' ')
debian=$(cd "$(dirname "$0")/../.." && pwd)/scripts/debian.sh
cache=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/programs
tree=$cache/$suite-$DEBIAN_ARCH-$(sha256sum <<<"$packages" | cut -c 1-12)
mkdir -p "$cache"

# Two tests that need the same programs share one download.
exec 9>"$tree.lock"
flock 9
if [ ! -d "$tree" ]; then
  echo "fetch-programs.sh: fetching $packages for $DEBIAN_ARCH" >&2
  work=$(mktemp -d "$tree.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/archives/partial" "$work/tree"
  # shellcheck disable=SC2086 # a list of package names
  "$debian" "$suite" apt-get -qq --download-only --no-install-recommends -o "Dir::Cache::archives=$work/archives" \
    install $packages >&2
  for deb in "$work"/archives/*.deb; do
    dpkg-deb -x "$deb" "$work/tree"
  done
  mv "$work/tree" "$tree"
fi
echo "$tree"
