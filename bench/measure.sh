#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Measures each tool in turn, once per round. Runs in a test machine, or natively in a network namespace of its own.
# From the environment:
#
#   BENCH_TOOLS      names, in their order; with none the same work runs unobserved
#   BENCH_ROUNDS, BENCH_ADDS, BENCH_RESTORE
#   BENCH_IDLE       seconds of the idle measurement
#   BENCH_BIN        directory of the programs of the bench
#   BENCH_MINE       path of mine
#   BENCH_RESULTS    directory that gets ROUND/TOOL/: numbers (name and value on a line); for a tool that started also
#                    sent (prober's output), seen (the numbers of the probes that the tool showed), stderr
set -eu

work=$(mktemp -d)
to=
tool_pid=
prober_pid=
finish() {
  [ $? -eq 0 ] || [ ! -e "$to/stderr" ] || tail -n 20 "$to/stderr" >&2
  [ -z "$prober_pid" ] || kill "$prober_pid"
  [ -z "$tool_pid" ] || kill -KILL "$tool_pid"
  rm -rf "$work"
}
trap finish EXIT

become() { # TOOL: runs the command that the results call TOOL
  case $1 in
    c-plain) set -- "$BENCH_BIN/reference" plain ;;
    c-tuned) set -- "$BENCH_BIN/reference" tuned ;;
    bpftrace) set -- bpftrace "$BENCH_BIN/reference.bt" ;;
    bcc) set -- python3 "$BENCH_BIN/reference.py" ;;
    mine) set -- "$BENCH_MINE" ;;
    mine-*) set -- "$BENCH_MINE" --backend "${1#mine-}" ;;
  esac
  exec "$BENCH_BIN/stopwatch" start "$work/start" "$@"
}

number() { # NAME VALUE
  echo "$1 $2" >>"$to/numbers"
}

cpu() {
  "$BENCH_BIN/stopwatch" cpu "$tool_pid"
}

memory() { # FIELD of /proc/PID/status, in KiB
  sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$tool_pid/status"
}

# Waits until the output has not grown for a second.
settle() {
  size=-1
  until [ "$size" = "$(wc -c <"$work/out")" ]; do
    size=$(wc -c <"$work/out")
    sleep 1
  done
}

# Returns 1 if the tool ended before it showed an event; $to/stderr says why.
start_tool() {
  "$BENCH_BIN/prober" >"$to/sent" &
  prober_pid=$!
  : >"$work/out"
  become "$tool" >>"$work/out" 2>"$to/stderr" &
  tool_pid=$!
  while ! grep -q 'probe[0-9]' "$work/out"; do
    if ! kill -0 "$tool_pid" 2>/dev/null; then
      kill "$prober_pid"
      wait "$prober_pid"
      prober_pid=
      tool_pid=
      return 1
    fi
    sleep 0.1
  done
  sleep 0.5 # a probe missed from now on is a gap
  kill "$prober_pid"
  wait "$prober_pid"
  prober_pid=
  settle
  number start_ns "$(cat "$work/start")"
}

watch_idle() {
  before=$(cpu)
  sleep "$BENCH_IDLE"
  number idle_cpu_ns $(($(cpu) - before))
  number steady_kib "$(memory VmRSS)"
}

stop_tool() {
  number peak_kib "$(memory VmHWM)"
  kill "$tool_pid"
  wait "$tool_pid" || true # some end by the signal
  tool_pid=
  grep -o 'probe[0-9][0-9]*' "$work/out" | cut -c 6- | sort -nu >"$to/seen"
  number flood_shown "$(grep -c ' flood ' "$work/out")"
  # mine shows two elements of a message and the number of the others; a tool that shows no elements shows a command.
  number restore_shown "$(awk '/ restored / {
    if (match($0, /\(\+[0-9]+ more\)/)) shown += substr($0, RSTART + 2, RLENGTH - 8) + 2
    else shown += 1 + gsub(/, /, "")
  } END { print shown + 0 }' "$work/out")"
}

# Runs the work. Records its elapsed time, the sender's processor time and the tool's.
load() { # NAME COMMAND...
  name=$1
  shift
  [ -z "$tool_pid" ] || before=$(cpu)
  "$@" >"$work/times"
  read -r elapsed sender <"$work/times"
  number "${name}_elapsed_ns" "$elapsed"
  number "${name}_sender_ns" "$sender"
  [ -n "$tool_pid" ] || return 0
  settle
  number "${name}_cpu_ns" $(($(cpu) - before))
}

entries() { # SET
  ipset list -t "$1" | sed -n 's/^Number of entries: //p'
}

measure() {
  to=$BENCH_RESULTS/$round/$tool
  mkdir -p "$to"
  # The sets are too large to grow while they are filled: the moment of a growth is random.
  for set in flood restored; do
    ipset create $set hash:ip hashsize 1048576 maxelem 4000000
  done
  if [ "$tool" = none ] || start_tool; then
    [ "$tool" = none ] || watch_idle
    load flood "$BENCH_BIN/flooder" flood "$BENCH_ADDS"
    load restore "$BENCH_BIN/stopwatch" run ipset restore -file "$work/restore"
    [ "$tool" = none ] || stop_tool
    [ "$(entries flood)" = "$BENCH_ADDS" ]
    [ "$(entries restored)" = "$BENCH_RESTORE" ]
  fi
  for set in flood restored; do # by name, so that other sets of this host stay
    ipset destroy $set
  done
}

awk -v count="$BENCH_RESTORE" 'BEGIN {
  for (i = 0; i < count; i++) printf "add restored 10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256
}' >"$work/restore"

for round in $(seq "$BENCH_ROUNDS"); do
  for tool in $BENCH_TOOLS; do
    echo "round $round: $tool" >&2
    measure
  done
done
