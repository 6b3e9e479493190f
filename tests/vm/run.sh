# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs /vm/script in a test machine, sends the files in /results, and turns the machine off. The terminal $RESULTS_TTY
# carries the results, and $LIVE_TTY a live script's output.
set -eu

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
# shellcheck source=/dev/null # written by init.sh
. /vm/terminals
# shellcheck source=/dev/null # written by tests/support/vm-image.ts
. /vm/environment

# Raw mode: otherwise the terminals turn every newline into two bytes.
stty raw -echo <"/dev/$RESULTS_TTY"
stty raw -echo <"/dev/$LIVE_TTY"

cut -d ' ' -f 1 /proc/uptime >/results/boot-seconds
if [ -e /vm/live ]; then
  exec 3>"/dev/$LIVE_TTY" 4>&3
else
  exec 3>/results/stdout 4>/results/stderr
fi
status=0
/bin/sh /vm/script </dev/null >&3 2>&4 || status=$?
echo "$status" >/results/exit

tar -cz -C /results . >"/dev/$RESULTS_TTY"
reboot -f
