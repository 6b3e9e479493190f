# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# For the scripts beside it. The same sources give the same bytes, in any directory and at any time.
# SOURCE_DATE_EPOCH is the time of all files, in seconds since 1970; the default is the last commit's.
export LC_ALL=C TZ=UTC
umask 022

fail() {
  printf "${0##*/}: %s\n" "$@" >&2
  exit 1
}

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || true)}
[ -n "$SOURCE_DATE_EPOCH" ] ||
  fail "this tree has no commits, so the time of the files is unknown" "set SOURCE_DATE_EPOCH to seconds since 1970"
# shellcheck disable=SC2034 # for the scripts beside it
version=$(node -p 'require(process.argv[1]).version' "$top/package.json")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Writes a tar archive. All files get the same time, owner and order.
archive() { # DIRECTORY NAME...
  local directory=$1
  shift
  tar --create --directory "$directory" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --format=gnu "$@"
}

# Writes the checksums of all files in a directory.
checksums() { # DIRECTORY
  (cd "$1" && rm -f SHA256SUMS && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
}
