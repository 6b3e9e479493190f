#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Measures the cost of the backend tracepoint for a packet. A router between two veth pairs forwards packets, by turns
# with and without mine. Everything is in network namespaces of its own; nothing leaves this host.
#
#   bench/packets.sh PACKETS-PROGRAM MINE [ROUNDS]
#
# Prints the median nanoseconds of processor time per packet, and the difference that mine makes.
set -euo pipefail

packets=$1 mine=$2 rounds=${3:-9}
count=300000
name=mine-bench-$$
work=$(mktemp -d)
trap 'for host in from router to; do ip netns del "$name-$host" 2>/dev/null || true; done; rm -rf "$work"' EXIT

for host in from router to; do
  ip netns add "$name-$host"
  ip -n "$name-$host" link set lo up
done
pair() { # HOST SUBNET
  ip -n "$name-router" link add "$1" type veth peer name eth0 netns "$name-$1"
  ip -n "$name-router" address add "$2.1/24" dev "$1"
  ip -n "$name-$1" address add "$2.2/24" dev eth0
  ip -n "$name-router" link set "$1" up
  ip -n "$name-$1" link set eth0 up
  ip -n "$name-$1" route add default via "$2.1"
}
pair from 10.99.1
pair to 10.99.2
ip netns exec "$name-router" sysctl -qw net.ipv4.ip_forward=1
# A blackhole route drops the packets' answers.
ip -n "$name-to" route add blackhole 10.99.1.0/24 metric 1

send() { ip netns exec "$name-from" taskset -c 0 "$packets" 10.99.2.2 $count; }
send >/dev/null
for ((round = 0; round < rounds; round++)); do
  send >>"$work/none"
  taskset -c 1 "$mine" --backend tracepoint >/dev/null 2>"$work/stderr" &
  until grep -q '^Tracing' "$work/stderr"; do sleep 0.05; done
  send >>"$work/mine"
  kill -INT %1
  wait
done
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
none=$(median "$work/none") with=$(median "$work/mine")
awk -v none="$none" -v with="$with" \
  'BEGIN { printf "a packet: %.0f ns, %.0f ns with mine by tracepoint: %.0f ns more, %.3f x\n", none, with, with - none, with / none }'
