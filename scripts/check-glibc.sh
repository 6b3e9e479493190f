#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Fails if a binary or shared library needs a newer glibc than 2.17, and names the symbols that need it.
#
#   scripts/check-glibc.sh FILE...
set -euo pipefail
export LC_ALL=C

floor=2.17
status=0

[ $# -gt 0 ] || { echo "usage: scripts/check-glibc.sh FILE..." >&2; exit 2; }

for file; do
  # The dynamic loader checks the version list, not the symbols. The list also has markers that belong to no
  # symbol, such as GLIBC_ABI_DT_RELR for packed relocations (glibc 2.36).
  versions=$(readelf --version-info --wide "$file" | grep -oE 'GLIBC_[A-Z0-9_.]+' | sort -u) || {
    echo "check-glibc.sh: $file: no glibc version found; is it a dynamically linked ELF file?" >&2
    status=1
    continue
  }
  for version in $versions; do
    number=${version#GLIBC_}
    [[ $number =~ ^[0-9.]+$ && $(printf '%s\n' "$number" $floor | sort -V | tail -1) == "$floor" ]] && continue
    symbols=$(readelf --dyn-syms --wide "$file" | { grep -oE "[A-Za-z0-9_]+@$version( |\$)" || true; } | cut -d@ -f1 | sort -u | xargs)
    echo "check-glibc.sh: $file needs $version, newer than glibc $floor${symbols:+, for: $symbols}" >&2
    status=1
  done
done
exit $status
