# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine with systemd as the first process. mine is installed, and runs by its unit. A timer's service,
# fail2ban, a container and two logins change sets, each a set of its own.
#
#   /results/record.jsonl    the record of mine
#   /results/metrics         its metrics after the last command
#   /results/SET.json        what `journalctl IPSET_SET=SET` finds
#   /results/executions      all programs that were executed, as the kernel's audit records them
#   /results/fail2ban.pid    process of fail2ban
#   /results/container.id    id that podman gave to the container
set -eu
trap '[ $? -eq 0 ] || journalctl -o cat >&2' EXIT

record=/var/log/mine/events.jsonl
mkdir -p /var/log/audit /var/lib/fail2ban
ln -s /run /var/run
echo messagebus:x:100:100::/:/bin/false >>/etc/passwd
printf 'adm:x:4:\nmessagebus:x:100:\n' >>/etc/group
: >/var/log/auth.log
# fail2ban finds each rule in place. The machine has no modules for iptables.
printf '#!/bin/sh\n' >/usr/sbin/iptables
chmod +x /usr/sbin/iptables

systemctl start auditd.service
auditctl -a always,exit -F arch=b64 -S execve -F key=executed >/dev/null
/usr/local/bin/mine install >/dev/null
printf 'output = journald\nmetrics = 9095\n' >>/etc/mine.conf
systemctl daemon-reload
systemctl start mine.service dbus.service
: >/results/blocker.pids
systemctl start fail2ban.service blocker.timer

systemctl start operator.service
# A root shell after a login, as sudo leaves it.
sh -c 'echo 1000 >/proc/self/loginuid; ipset add visited 192.0.2.2; exit'

podman --storage-driver vfs run --cidfile /results/container.id --network host --cap-add NET_ADMIN \
  --rootfs /srv/container busybox sh -ec 'ipset create contained hash:ip; ipset add contained 192.0.2.3; exit'

systemctl show -P MainPID fail2ban.service >/results/fail2ban.pid
echo "$(date '+%b %d %T') vm sshd[812]: Failed password for root from 192.0.2.77 port 40022 ssh2" >>/var/log/auth.log
until grep -q '"command":"add","set":"f2b-sshd"' $record; do
  systemctl is-active -q fail2ban.service
  sleep 0.2
done
fail2ban-client set sshd unbanip 192.0.2.77 >/dev/null
systemctl stop fail2ban.service
until [ -s /results/blocker.pids ]; do
  sleep 0.2
done

until grep -q '"command":"destroy","set":"f2b-sshd"' $record; do
  sleep 0.2
done
wget -q -O /results/metrics http://127.0.0.1:9095/metrics
systemctl stop mine.service
cp $record /results/record.jsonl
journalctl --sync
for set in blocklist f2b-sshd contained visited; do
  journalctl -o json IPSET_SET=$set >/results/$set.json
done
until grep -qs '="destroy"' /results/executions; do
  ausearch --input-logs --raw -k executed >/results/executions
done
