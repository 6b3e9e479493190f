#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Puts the source of one library into a fresh directory and applies our patches.
#
#   lib/fetch-source.sh NAME DEST          the pinned tarball of lib/sources.txt
#   lib/fetch-source.sh NAME DEST SRC      a copy of the tree SRC, which never changes itself
#
# The cache directory keeps the tarballs. A tarball that a user puts there is as good as a download, because
# the script trusts only the checksum.
set -euo pipefail

fail() {
  printf 'fetch-source.sh: %s\n' "$@" >&2
  exit 1
}

[ $# -eq 2 ] || [ $# -eq 3 ] || fail "usage: lib/fetch-source.sh NAME DEST [SRC]"
name=$1 src=${3:-}
dest=$(realpath --canonicalize-missing "$2")
top=$(realpath "$(dirname "$0")/..")
cache=$(realpath --canonicalize-missing "${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/sources")

work=$dest.tmp
rm -rf "$work" "$dest"
mkdir -p "$work/tree"
trap 'rm -rf "$work"' EXIT

# The file of each library that the build needs first. It detects a wrong SRC before the compiler does.
declare -A landmark=([libbpf]=src/libbpf.map [elfutils]=libelf/libelfP.h [zlib]=zlib.h)

# Checks a private copy: no other program can change it between the check and the unpacking.
take_cached() {
  cp "$cache/$tarball" "$work/$tarball" 2>/dev/null &&
    sha256sum --check --status <<<"$sha256  $work/$tarball"
}

# Finds a revision of the source package with our checksum in one suite, and downloads its tarball.
download_from() {
  local suite=$1 version
  version=$("$top/scripts/debian.sh" "$suite" apt-cache showsrc --only-source "$name" |
    awk -v RS= -v sha256="$sha256" 'index($0, sha256) && match($0, /\nVersion: [^\n]*/) {
      print substr($0, RSTART + 10, RLENGTH - 10); exit }') || return 1
  [ -n "$version" ] || return 1
  mkdir -p "$cache" "$work/download"
  (cd "$work/download" &&
    "$top/scripts/debian.sh" "$suite" apt-get -qq source --download-only --tar-only --only-source \
      "$name=$version" >"$work/apt.log" 2>&1) || {
    cat "$work/apt.log" >&2
    return 1
  }
  mv "$work/download/$tarball" "$cache/$tarball"
}

fetch_tarball() {
  local suite
  take_cached && return
  for suite in ${suites//,/ }; do
    download_from "$suite" && take_cached && return
  done
  fail "$tarball (sha256 $sha256) was not found in the Debian suites $suites" \
    "put that file into $cache/, or name an unpacked source tree with ${name^^}_SRC=DIR"
}

if [ -n "$src" ]; then
  [ -e "$src/${landmark[$name]}" ] ||
    fail "$src has no ${landmark[$name]}: ${name^^}_SRC must name the top of a $name source tree"
  cp -R "$src/." "$work/tree/"
else
  read -r suites tarball sha256 < <(awk -v name="$name" '$1 == name { print $3, $4, $5 }' "$top/lib/sources.txt") ||
    fail "lib/sources.txt does not list '$name'"
  fetch_tarball
  tar --extract --no-same-owner --strip-components=1 --file "$work/$tarball" --directory "$work/tree"
fi

for patch in "$top/patches/$name"/*.patch; do
  [ -e "$patch" ] || continue
  patch --directory "$work/tree" --strip=1 --batch --forward --no-backup-if-mismatch <"$patch" >"$work/patch.log" || {
    cat "$work/patch.log" >&2
    fail "${patch#"$top/"} does not apply to ${src:-$tarball}" \
      "its header says what it is for: refresh it for this source, or move it away if the source has the change"
  }
done

mv "$work/tree" "$dest"
