#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Fetches Bun's program for another machine, the base of a binary for it.
#
#   scripts/fetch-bun.sh TARGET DEST        TARGET: linux-x64, linux-arm64, linux-x64-musl or linux-arm64-musl
#
# package-lock.json has the version and the checksum of every machine's package, but `npm ci` installs only the
# one for this machine. The cache directory keeps the packages, and the script trusts only the checksum.
set -euo pipefail

fail() {
  printf 'fetch-bun.sh: %s\n' "$@" >&2
  exit 1
}

[ $# -eq 2 ] || fail "usage: scripts/fetch-bun.sh TARGET DEST"
package=@oven/bun-${1/arm64/aarch64} dest=$2
top=$(realpath "$(dirname "$0")/..")
cache=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/bun

read -r version integrity < <(node -p '
  const entry = require(process.argv[1]).packages[`node_modules/${process.argv[2]}`];
  entry ? `${entry.version} ${entry.integrity}` : ""' "$top/package-lock.json" "$package") ||
  fail "package-lock.json has no $package"
tarball=$cache/${package##*/}-$version.tgz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Checks a private copy: no other program can change it between the check and the unpacking.
take_cached() {
  cp "$tarball" "$work/bun.tgz" 2>/dev/null &&
    [ "$(node -p '"sha512-" + require("node:crypto").createHash("sha512")
      .update(require("node:fs").readFileSync(process.argv[1])).digest("base64")' "$work/bun.tgz")" = "$integrity" ]
}
if ! take_cached; then
  echo "fetch-bun.sh: fetching $package $version" >&2
  mkdir -p "$cache" "$work/download"
  npm pack --silent --pack-destination "$work/download" "$package@$version" >/dev/null ||
    fail "npm could not fetch $package $version" "put its tarball into $tarball"
  mv "$work"/download/*.tgz "$tarball"
  take_cached || fail "$tarball does not have the checksum of package-lock.json: $integrity"
fi
tar --extract --gzip --no-same-owner --file "$work/bun.tgz" --directory "$work" package/bin/bun
mv "$work/package/bin/bun" "$dest"
touch "$dest"
