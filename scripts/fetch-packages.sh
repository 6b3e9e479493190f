#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Prints a directory of the cache with packages of a Debian suite. It downloads them once; remove the directory to get the
# suite's newest.
#
#   scripts/fetch-packages.sh NAME SUITE ARCH PACKAGE...
#   scripts/fetch-packages.sh musl bookworm arm64 musl musl-dev
#
# NAME is that of the directory. ARCH is Debian's name of the architecture.
set -euo pipefail

if [ $# -lt 4 ]; then
  sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
name=$1 suite=$2 arch=$3
shift 3
debian=$(realpath "$(dirname "$0")")/debian.sh
cache=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/$name/$suite-$arch
mkdir -p "$cache"

# Two builds that need the same packages share one download.
exec 9>"$cache.lock"
flock 9
if [ ! -e "$cache/complete" ]; then
  echo "fetch-packages.sh: fetching $* for $arch" >&2
  (cd "$cache" && rm -f ./*.deb && DEBIAN_ARCH=$arch "$debian" "$suite" apt-get -qq download "$@") >&2
  touch "$cache/complete"
fi
echo "$cache"
