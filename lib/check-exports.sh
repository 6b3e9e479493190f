#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Fails unless a shared library exports exactly the symbols of libbpf.map and our own mine_*, and needs only
# libc.
#
#   lib/check-exports.sh LIBBPF.SO LIBBPF.MAP
set -euo pipefail
export LC_ALL=C

lib=$1 map=$2
status=0

wanted=$(sed -nE 's/^[[:space:]]+([a-z_0-9]+);.*/\1/p' "$map" | sort -u)
exported=$(nm --dynamic --defined-only --format=posix "$lib" |
  awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' | sort -u)

missing=$(comm -23 <(echo "$wanted") <(echo "$exported"))
extra=$(comm -13 <(echo "$wanted") <(echo "$exported") | grep -v '^mine_' || true)
needed=$(readelf --dynamic --wide "$lib" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' |
  grep -vE '^(libc\.so(\.6)?|ld-linux.*)$' || true)

complain() {
  [ -z "$2" ] && return
  echo "check-exports.sh: $lib $1: ${2//$'\n'/ }" >&2
  status=1
}
[ -n "$wanted" ] || complain "has no list to be compared with, nothing was found in" "$map"
complain "lacks what libbpf.map exports" "$missing"
complain "exports what is not in libbpf.map" "$extra"
complain "needs libraries other than libc" "$needed"
exit $status
