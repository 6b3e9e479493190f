#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Puts what a build for musl needs into a fresh directory: include/ and lib/ of Debian's musl, and kernel/ with
# the kernel's headers.
#
#   lib/fetch-musl.sh ARCH DEST        ARCH is x64 or arm64
#
# The cache directory keeps the packages. To build with another musl, build on a machine that has it.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: lib/fetch-musl.sh ARCH DEST" >&2; exit 2; }
case $1 in
  x64) debian=amd64 machine=x86_64 ;;
  arm64) debian=arm64 machine=aarch64 ;;
  *) echo "fetch-musl.sh: $1 is not x64 or arm64" >&2; exit 2 ;;
esac
dest=$2
top=$(realpath "$(dirname "$0")/..")
cache=$("$top/scripts/fetch-packages.sh" musl bookworm $debian musl musl-dev linux-libc-dev)

rm -rf "$dest"
mkdir -p "$dest/packages" "$dest/lib" "$dest/kernel"
for deb in "$cache"/*.deb; do
  dpkg-deb -x "$deb" "$dest/packages"
done
mv "$dest/packages/usr/include/$machine-linux-musl" "$dest/include"
mv "$dest/packages/lib/$machine-linux-musl/libc.so" "$dest/lib/"
mv "$dest"/packages/usr/include/{linux,asm-generic} "$dest/packages/usr/include/$machine-linux-gnu/asm" "$dest/kernel/"
rm -r "$dest/packages"
