# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: many kinds of callers, each of which records its own credentials, while one mine for each
# backend of BACKENDS (separated by commas) traces.
#
#   CGROUPS                 unified, or systemd: the hierarchy of a host that has only the older ones
#
#   /results/callers/NAME   facts from /proc about each caller, a KEY=VALUE per line; ancestor=PID START NAME,
#                           the parent first
#   /results/boot           real time, in whole seconds, and uptime of one moment
#   /results/mine.BACKEND.* output and exit code of each mine
set -eu

mine=/usr/local/bin/mine
user=rafaeldtinoco
user_id=$(id -u $user)
cgroups=/sys/fs/cgroup
if [ "$CGROUPS" = unified ]; then
  mount -t cgroup2 cgroup2 $cgroups
else
  mount -t tmpfs tmpfs $cgroups
  cgroups=$cgroups/systemd
  mkdir $cgroups
  mount -t cgroup -o none,name=systemd systemd $cgroups
fi
container=$cgroups/machine.slice/docker-$(printf '%064d' 7).scope
service=$cgroups/system.slice/fail2ban.service
short=$cgroups/system.slice/short.service

mkdir -m 1777 /results/callers
echo "$(date +%s) $(cut -d ' ' -f 1 /proc/uptime)" >/results/boot
cat >/tmp/caller <<'END'
{
  echo "pid=$$"
  echo "ppid=$PPID"
  echo "netns=$(readlink /proc/$$/ns/net)"
  for name in loginuid sessionid; do
    echo "$name=$(cat /proc/$$/$name)"
  done
  # Fields of proc(5): the id, the name, the parent in field 4, the start in field 22.
  pid=$PPID
  while [ "$pid" -gt 0 ]; do
    stat=$(cat /proc/$pid/stat)
    name=${stat#*(}
    rest=${stat##*) }
    parent=$(echo "$rest" | cut -d ' ' -f 2)
    echo "ancestor=$pid $(echo "$rest" | cut -d ' ' -f 20) ${name%)*}"
    pid=$parent
  done
} >"/results/callers/$1"
shift
exec "$@"
END
# A script that calls itself DEPTH times, and then becomes the caller.
cat >'/tmp/nest)' <<'END'
#!/bin/sh
if [ "$1" -eq 0 ]; then
  shift
  exec sh /tmp/caller "$@"
fi
depth=$(($1 - 1))
shift
"$0" $depth "$@"
exit
END
chmod +x '/tmp/nest)'
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

mkdir -p "$container" $service/cron.service
stat -c %i "$container" >/results/cgroup
readlink /proc/self/ns/net >/results/netns
cp /proc/modules /results/modules

# shellcheck disable=SC2153 # from the test
backends=$(echo "$BACKENDS" | tr , ' ')
# Sends a signal to each mine.
signal() { # SIGNAL
  for backend in $backends; do
    kill "-$1" "$(cat "/run/$backend.pid")"
  done
}
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
(echo 0 >$service/cron.service/cgroup.procs; run_as service ipset add first 10.0.0.4)
# A service begins and ends before mine reads its command. So does its cgroup.
signal STOP
mkdir $short
(echo 0 >$short/cgroup.procs; run_as short ipset add first 10.0.0.6)
rmdir $short
signal CONT
"/tmp/nest)" 9 deep ipset add first 10.0.0.5
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

signal INT
for backend in $backends; do
  pid=$(cat "/run/$backend.pid")
  status=0
  wait "$pid" || status=$?
  echo $status >"/results/mine.$backend.exit"
done
