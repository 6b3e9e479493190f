# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine with systemd as the first process. mine installs itself, and runs by its own unit.
#
#   /results/installed       paths of the installed files
#   /results/started         properties of mine.service when `systemctl start` has returned
#   /results/blocker.pids    process of each run of blocker.service
#   /results/ipset.pids      processes of its ipset commands
#   /results/restarted       properties of mine.service after its watchdog has ended it
#   /results/stopped         properties of mine.service after its end
#   /results/mine.jsonl      the record of both runs, from two files: `systemctl reload` opens the second
#   /results/reloaded        properties of mine.service after that
#   /results/journal         messages of mine.service, and of systemd about it
#   /results/blocklist.json  what `journalctl IPSET_SET=blocklist` finds, from another mine that writes to the journal
#   /results/failures.json   the same of priority "warning" or above
#   /results/load.json       the same for the set "load", to which LOAD addresses are added while journald restarts
#   /results/syslog.json     messages of a third mine, which writes to /dev/log
#   /results/run.json        records about the run of that mine
#   /results/journal.summary messages of that mine
#   /results/killed.jsonl    the record of a mine that gets SIGKILL KILLS times, while one sender adds to the set "killed"
#   /results/metrics         metrics of the last of these runs
#   /results/killed.sent     number of its commands; command N adds the address N, from 10.0.0.1 on
#   /results/left            files that are there after `mine uninstall`, and were not before `mine install`
set -eu

record=/var/log/mine/events.jsonl
find /usr/local >/tmp/before
/usr/local/bin/mine install >/results/installed
systemctl daemon-reload

properties() {
  systemctl show mine.service -p ActiveState -p StatusText -p NRestarts -p Result -p MainPID
}
# Runs blocker.service by its timer, and waits for its end.
run_blocker() { # NUMBER
  systemctl restart blocker.timer
  until [ "$(wc -l </results/blocker.pids)" -ge "$1" ]; do
    sleep 0.2
  done
}

: >/results/blocker.pids
if ! systemctl start mine.service || ! systemctl start mine-journal.service; then
  journalctl -o cat -u mine.service -u mine-journal.service >&2
  exit 1
fi
properties >/results/started
run_blocker 1

# A mine that stands still feeds no watchdog. Events that it has not read are lost with it.
until grep -q 192.0.2.2 "$record"; do
  sleep 0.2
done
pid=$(systemctl show -P MainPID mine.service)
kill -STOP "$pid"
until [ "$(systemctl show -P MainPID mine.service)" != "$pid" ] && systemctl is-active -q mine.service; do
  sleep 0.5
done
properties >/results/restarted
run_blocker 2
mv $record $record.1
systemctl reload mine.service
properties >/results/reloaded

ipset create load hash:ip
number=0
while [ $number -lt "$LOAD" ]; do
  number=$((number + 1))
  ipset add load 10.0.0.$number
  [ $((number % 50)) -ne 25 ] || systemctl restart --no-block systemd-journald.service
done
systemctl stop mine-journal.service
/usr/local/sbin/mine -o syslog --count 1 2>/tmp/syslog.stderr &
syslog=$!
/usr/local/bin/await-tracing $syslog /tmp/syslog.stderr
ipset flush load
wait $syslog
journalctl --sync
journalctl -o json IPSET_SET=blocklist >/results/blocklist.json
journalctl -o json -p warning IPSET_SET=blocklist >/results/failures.json
journalctl -o json MINE_ACTION=start + MINE_ACTION=end >/results/run.json
journalctl -o json _TRANSPORT=syslog SYSLOG_IDENTIFIER=mine >/results/syslog.json
journalctl -o json IPSET_SET=load >/results/load.json
journalctl -o cat _SYSTEMD_UNIT=mine-journal.service _TRANSPORT=stdout >/results/journal.summary

systemctl stop mine.service
properties >/results/stopped
cat $record.1 $record >/results/mine.jsonl
ls -ln /var/log/mine >/results/files
journalctl -o cat -u mine.service >/results/journal

rm $record $record.1
echo 'metrics = 9095' >>/etc/mine.conf
ipset create killed hash:ip
mkdir /etc/systemd/system/mine.service.d
cat >/etc/systemd/system/mine.service.d/quick.conf <<'EOF'
[Service]
RestartSec=100ms
EOF
systemctl daemon-reload
systemctl start mine.service
(
  number=0
  while [ ! -e /tmp/enough ]; do
    number=$((number + 1))
    ipset add killed 10.$((number / 65536)).$((number / 256 % 256)).$((number % 256))
    sleep 0.05
  done
  echo $number >/results/killed.sent
) &
sender=$!
kills=0
while [ $kills -lt "$KILLS" ]; do
  kills=$((kills + 1))
  sleep 0.$((kills % 10))
  kill -KILL "$(systemctl show -P MainPID mine.service)"
  until [ "$(grep -c '"mine-start"' $record)" -gt $kills ]; do
    sleep 0.1
  done
done
: >/tmp/enough
wait $sender
until [ "$(tail -n 1 $record | grep -c '"command":"add"')" -eq 1 ]; do
  sleep 0.1
done
wget -q -O /results/metrics http://127.0.0.1:9095/metrics
systemctl stop mine.service
cp $record /results/killed.jsonl

/usr/local/sbin/mine uninstall >/dev/null
find /usr/local | grep -vxFf /tmp/before >/results/left || true
