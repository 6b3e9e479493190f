# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: many kinds of callers, each of which records its own credentials, while one mine for each
# backend of BACKENDS (separated by commas) traces.
#
#   /results/callers/NAME   facts from /proc about each caller, a KEY=VALUE per line
#   /results/mine.BACKEND.* output and exit code of each mine
set -eu

mine=/usr/local/bin/mine
user=rafaeldtinoco
user_id=$(id -u $user)
container=/sys/fs/cgroup/machine.slice/docker-$(printf '%064d' 7).scope

mkdir -m 1777 /results/callers
cat >/tmp/caller <<'END'
{
  echo "pid=$$"
  echo "ppid=$PPID"
  echo "netns=$(readlink /proc/$$/ns/net)"
  for name in loginuid sessionid; do
    echo "$name=$(cat /proc/$$/$name)"
  done
} >"/results/callers/$1"
shift
exec "$@"
END
# Runs a shell that records its own credentials and then becomes the command.
run_as() { # NAME COMMAND...
  sh /tmp/caller "$@"
}
# Sets the login user of the caller. Processes inherit it, and without privileges cannot change it again.
as_login() {
  echo "$user_id" >/proc/self/loginuid
}
# Runs a command as the user. The words are not quoted, so none may need quotes.
as_user() {
  su -s /bin/sh $user -c "$*"
}
fails() {
  if "$@" 2>>/results/refused; then
    echo "not refused: $*"
    exit 1
  fi
}

mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "$container"
stat -c %i "$container" >/results/cgroup
readlink /proc/self/ns/net >/results/netns
cp /proc/modules /results/modules

# shellcheck disable=SC2153 # from the test
backends=$(echo "$BACKENDS" | tr , ' ')
for backend in $backends; do
  timeout -s KILL 120 $mine -o json --backend "$backend" \
    >"/results/mine.$backend.stdout" 2>"/results/mine.$backend.stderr" &
  pid=$!
  echo $pid >"/run/$backend.pid"
  /usr/local/bin/await-tracing $pid "/results/mine.$backend.stderr"
done

run_as first ipset create first hash:ip comment
(as_login; run_as login ipset add first 10.0.0.1 comment "two words")
(echo 0 >"$container/cgroup.procs"; run_as container ipset add first 10.0.0.2)
odd="/tmp/we \"ird
"
cp /usr/sbin/ipset "$odd"
run_as odd "$odd" add first 10.0.0.3 comment ""

fails as_user sh /tmp/caller denied /usr/sbin/ipset create denied hash:ip
(as_login; fails as_user sh /tmp/caller denied-login /usr/sbin/ipset list)
as_user unshare -U -r -n sh /tmp/caller rootless /usr/sbin/ipset create first hash:ip
unshare -n sh /tmp/caller netns ipset create first hash:net
run_as python python3 -I /client.py

# shellcheck disable=SC2016 # for the shell that xargs starts
xargs -0 -n 1 sh -c 'exec ipset create "$1" hash:ip' create </names

ipset create big hash:ip comment
awk 'BEGIN { for (n = 0; n < 5000; n++) printf "add big 10.1.%d.%d comment \"no %d\"\n", n / 250, n % 250, n }' >/results/big
run_as restore ipset restore </results/big

for backend in $backends; do
  pid=$(cat "/run/$backend.pid")
  kill -INT "$pid"
  status=0
  wait "$pid" || status=$?
  echo $status >"/results/mine.$backend.exit"
done
