#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Show mine at work on real ipset commands: here where this kernel can, else in a virtual machine.
#
#   scripts/demo.sh [MINE]        MINE is ./mine unless told
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
mine=$(realpath "${1:-$root/mine}")
session=$root/tests/vm/demo/guest.sh

sudo=()
[ "$EUID" -eq 0 ] || sudo=(sudo)
echo "== Linux $(uname -r), this host, with the sets in a network namespace of their own =="
status=0
"${sudo[@]}" unshare --net env MINE="$mine" sh "$session" || status=$?
# 3: this host cannot run it, and mine has said why; a container without the privilege, for example.
[ "$status" -eq 3 ] || exit "$status"
echo "== mine cannot run here, as it says above: a virtual machine with a kernel of Debian instead =="
exec "$root/node_modules/.bin/bun" "$root/tests/vm/demo/demo.ts" "$mine"
