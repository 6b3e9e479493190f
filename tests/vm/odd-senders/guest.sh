# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: a user without privileges sends in odd ways, and keeps 1,100 threads in sending calls. Then
# root sends in every way. One mine for each backend of BACKENDS (separated by commas) traces.
#
#   /results/truth, truth.nobody   the kernel's answers, as the senders received them
#   /results/mine.BACKEND.*        mine's output and exit code
set -eu

# shellcheck disable=SC2153 # from the test
backends=$(echo "$BACKENDS" | tr , ' ')
for backend in $backends; do
  timeout -s KILL 170 /usr/local/bin/mine -o json --backend "$backend" --buffer 64M \
    >"/results/mine.$backend.stdout" 2>"/results/mine.$backend.stderr" &
  pid=$!
  echo $pid >"/run/$backend.pid"
  /usr/local/bin/await-tracing $pid "/results/mine.$backend.stderr"
done

chmod 755 /odd-senders.py
as_user() {
  su -s /bin/sh rafaeldtinoco -c "$*"
}
as_user python3 -I /odd-senders.py >/results/truth.nobody
as_user exec unshare -U -r -n python3 -I /odd-senders.py block >/run/blocked &
blocked=$!
until grep -q blocked /run/blocked; do
  kill -0 $blocked
  sleep 0.1
done
python3 -I /odd-senders.py >/results/truth 2>/results/senders.stderr
kill -KILL $blocked

for backend in $backends; do
  pid=$(cat "/run/$backend.pid")
  kill -INT "$pid"
  status=0
  wait "$pid" || status=$?
  echo $status >"/results/mine.$backend.exit"
done
