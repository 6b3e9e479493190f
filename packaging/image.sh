#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Packs a built binary as an OCI image: a tar archive of an OCI image layout, made without a daemon. The image has the
# binary, the files of Debian's C library that the binary needs, and the licences of both. It has no shell.
#
#   packaging/image.sh DEST TARGET BINARY
#   packaging/image.sh dist linux-arm64 .output/linux-arm64/mine
#
# The same sources and the same package libc6 give the same bytes.
set -euo pipefail
# shellcheck source=packaging/common.sh
. "$(dirname "$0")/common.sh"

[ $# -eq 3 ] || fail "usage: packaging/image.sh DEST TARGET BINARY"
dest=$1 target=$2 binary=$3
case $target in
  linux-x64 | linux-arm64) ;;
  *) fail "an image has the build for glibc, not that for $target" "run 'make LIBC=glibc image'" ;;
esac

libc=$work/libc root=$work/root
doc=usr/share/doc copyright=usr/share/doc/libc6/copyright
"$top/packaging/fetch-libc.sh" "${target#linux-}" "$libc"

install -D -m 755 "$binary" "$root/usr/sbin/mine"
install -D -m 644 -t "$root/$doc/mine" "$top"/LICENSE.* "$top/NOTICE"
install -m 644 "$top/LICENSE" "$root/$doc/mine/copyright"

headers=$(readelf --dynamic --program-headers --wide "$binary")
loader=$(sed -nE 's/.*interpreter: (.*)\]/\1/p' <<<"$headers")
sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' <<<"$headers" | while read -r name; do
  path=$(cd "$libc" && find usr/lib -path "usr/lib/*-linux-gnu/$name")
  [ -n "$path" ] || fail "$binary needs $name, which libc6 does not have"
  # The kernel looks for the loader at the path that the binary names.
  place=$path
  [ "$name" != "${loader##*/}" ] || place=${loader#/}
  install -D -m 755 "$libc/$path" "$root/$place"
done
install -D -m 644 "$libc/$copyright" "$root/$copyright"
grep -o 'usr/share/common-licenses/[A-Z0-9.-]*[0-9]' "$libc/$copyright" | sort -u | while read -r license; do
  install -D -m 644 "$libc/$license" "$root/$license"
done
# The version of a package, where images without dpkg have it.
install -D -m 644 "$libc/control" "$root/var/lib/dpkg/status.d/libc6"

archive "$root" . >"$work/layer.tar"
gzip -6n <"$work/layer.tar" >"$work/layer.tar.gz"
"$top/node_modules/.bin/bun" "$top/packaging/oci-layout.ts" "$work" "${target#linux-}" "$SOURCE_DATE_EPOCH"
mkdir -p "$dest"
archive "$work/layout" blobs index.json manifest.json oci-layout >"$dest/mine-$version-$target.oci.tar"
checksums "$dest"
