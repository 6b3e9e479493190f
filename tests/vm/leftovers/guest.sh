# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: several mine at once, their remaining privileges, a killed one, one whose reader goes away.
# They run as on 4.15, with probes in tracefs: only this form can leave something behind.
set -eu
export MINE_ASSUME_KERNEL=4.15

start_mine() { # NAME
  /usr/local/bin/mine >"/results/$1.stdout" 2>"/results/$1.stderr" &
  pid=$!
  echo $pid >"/results/$1.pid"
  /usr/local/bin/await-tracing $pid "/results/$1.stderr"
}
probes() { cut -d ' ' -f 1 /sys/kernel/tracing/kprobe_events >"/results/probes.$1"; }

start_mine killed
probes with-one
kill -KILL $pid
wait $pid || true
probes after-kill

# Kills at other moments, some of them during the start.
for seconds in 0.3 0.6 0.9 1.2 1.5 1.8 2.1; do
  /usr/local/bin/mine >/dev/null 2>&1 &
  pid=$!
  sleep $seconds
  kill -KILL $pid
  wait $pid || true
done

start_mine first
first=$pid
cat /proc/$first/status >/results/first.status
grep -h -e NoNewPrivs -e Seccomp: /proc/$first/task/*/status | sort -u >/results/first.threads
probes after-sweep
start_mine second
ipset create both hash:ip
sleep 1
kill -INT $pid
wait $pid
probes one-ended
kill -TERM $first
wait $first
probes all-ended

# The reader reads one line and closes the pipe.
mkfifo /results/fifo
/usr/local/bin/mine >/results/fifo 2>/results/pipe.stderr &
pid=$!
exec 9</results/fifo
/usr/local/bin/await-tracing $pid /results/pipe.stderr
ipset create first hash:ip
head -n 1 <&9 >/results/pipe.line
exec 9<&-
ipset create second hash:ip
status=0
wait $pid || status=$?
echo $status >/results/pipe.exit
rm /results/fifo
probes reader-gone
