#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Puts Debian's C library into a fresh directory: usr/ of its package, its description in `control`, and the texts of
# the licences that it names.
#
#   packaging/fetch-libc.sh ARCH DEST        ARCH is x64 or arm64
#
# The cache directory keeps the packages, and a build with them needs no network.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: packaging/fetch-libc.sh ARCH DEST" >&2; exit 2; }
dest=$2
top=$(realpath "$(dirname "$0")/..")
cache=$("$top/scripts/fetch-packages.sh" libc trixie "${1/x64/amd64}" libc6 base-files)

rm -rf "$dest"
mkdir -p "$dest/base-files"
dpkg-deb -x "$cache"/libc6_*.deb "$dest"
dpkg-deb -f "$cache"/libc6_*.deb >"$dest/control"
dpkg-deb -x "$cache"/base-files_*.deb "$dest/base-files"
mv "$dest/base-files/usr/share/common-licenses" "$dest/usr/share/"
rm -r "$dest/base-files"
