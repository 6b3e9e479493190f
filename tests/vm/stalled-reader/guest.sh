# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: the reader of mine's stdout stops, for good or for a while. mine then has more to write than
# a pipe and its own queue hold.
#
#   /results/NAME.stdout, .stderr, .exit   mine's output and exit code
#   /results/NAME.seconds                  uptime at the signal and at the end
set -eu

lines=600
mkfifo /tmp/fifo
ipset create left hash:ip comment
ipset create right hash:ip comment
ipset create control hash:ip

# Each line is a message of its own, because the set changes. It is long, because no byte of its comment is printable.
comment=$(printf '%0200d' 0 | tr 0 '\001')
for line in $(seq $((lines / 2))); do
  echo "add left 10.0.$((line / 250)).$((line % 250)) comment \"$comment\""
  echo "add right 10.0.$((line / 250)).$((line % 250)) comment \"$comment\""
done >/tmp/additions

start_mine() { # NAME
  name=$1
  /usr/local/bin/mine --command add >/tmp/fifo 2>"/results/$name.stderr" &
  pid=$!
  /usr/local/bin/await-tracing $pid "/results/$name.stderr"
}
end_mine() {
  from=$(cut -d ' ' -f 1 /proc/uptime)
  kill -INT $pid
  status=0
  wait $pid || status=$?
  echo "$from $(cut -d ' ' -f 1 /proc/uptime)" >"/results/$name.seconds"
  echo $status >"/results/$name.exit"
}

# No process ever reads: the shell only holds the fifo open for reading.
exec 9<>/tmp/fifo
start_mine never
ipset restore </tmp/additions
sleep 3
end_mine
exec 9>&-

# The reader sleeps, and wakes up while mine still traces.
ipset flush
sh -c 'sleep 8; exec cat >/results/late.stdout' </tmp/fifo &
reader=$!
start_mine late
ipset restore </tmp/additions
until [ "$(wc -l </results/late.stdout 2>/dev/null || echo 0)" -eq $lines ]; do
  kill -0 $pid
  sleep 0.2
done
ipset add control 10.0.0.1
end_mine
wait $reader
