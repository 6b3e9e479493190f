#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Shows mine at work on real ipset commands: on this host if its kernel allows it, else in a virtual machine.
#
#   scripts/demo.sh [MINE]        MINE is ./mine by default
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
mine=$(realpath "${1:-$root/mine}")
session=$root/tests/vm/demo/guest.sh

sudo=()
[ "$EUID" -eq 0 ] || sudo=(sudo)
echo "== Linux $(uname -r), this host, with the sets in a network namespace of their own =="
status=0
"${sudo[@]}" unshare --net env MINE="$mine" sh "$session" || status=$?
# Status 3: this host cannot run mine, and mine has reported why. An example is a container without
# privileges.
[ "$status" -eq 3 ] || exit "$status"
echo "== mine cannot run here, as it says above: a virtual machine with a kernel of Debian instead =="
exec "$root/node_modules/.bin/bun" "$root/tests/vm/demo/demo.ts" "$mine"
