# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: several mine with different filters trace the same commands.
#
#   /results/NAME.stdout, .stderr, .exit   of each mine
#   /results/pid                           of the process that one of them selects
set -eu

mine=/usr/local/bin/mine
user=rafaeldtinoco
user_id=$(id -u $user)

# Each of them waits for the one before it: mine sees how another mine asks for the sets at its start.
start() { # NAME OPTIONS...
  name=$1
  shift
  (
    status=0
    timeout -s KILL 120 "$mine" "$@" >"/results/$name.stdout" 2>"/results/$name.stderr" || status=$?
    echo $status >"/results/$name.exit"
  ) &
  until grep -qs '^Tracing' "/results/$name.stderr"; do
    if [ -e "/results/$name.exit" ]; then
      echo "mine $name ended before it traced: $(cat "/results/$name.stderr")" >&2
      exit 1
    fi
    sleep 0.05
  done
}

fails() {
  if "$@" 2>/dev/null; then
    echo "not refused: $*"
    exit 1
  fi
}

# A process that waits before its command, so that its id is known before.
mkfifo /tmp/go
sh -c 'read -r _ </tmp/go; exec ipset add other 10.0.0.1' &
watched=$!
echo $watched >/results/pid

start all -o json
start command -o json --command create,destroy
start set -o json --set 'web?f*'
start uid -o json --uid "$user_id"
start pid -o json --pid $watched
start comm -o json --comm 'not ipset' --failed
start count --count 5
start duration --duration 2

ipset create web-front hash:ip
ipset create web-back hash:ip
ipset create other hash:ip
ipset add web-front 10.0.0.1
ipset add other 10.0.0.9
fails ipset add web-front 10.0.0.1
(echo "$user_id" >/proc/self/loginuid; exec ipset add web-front 10.0.0.2)
su -s /bin/sh $user -c 'unshare -U -r -n ipset create web-front hash:ip'
cp /usr/sbin/ipset '/tmp/not ipset'
'/tmp/not ipset' add other 10.0.0.2
fails '/tmp/not ipset' add other 10.0.0.2
fails '/tmp/not ipset' create other hash:ip
echo go >/tmp/go
wait $watched
ipset rename web-front front
ipset swap web-back front
ipset rename other web4f
ipset destroy web4f
ipset save >/dev/null
fails ipset destroy nowhere

# These two end by themselves.
for name in count duration; do
  until [ -e /results/$name.exit ]; do
    sleep 0.05
  done
done
for pid in $(pidof mine); do
  kill -INT "$pid"
done
wait
