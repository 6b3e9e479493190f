# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: mine in the container of docs/kubernetes.md, three times. Each time a command of the host and
# one of a pod change sets.
#
#   PROBE    address of the liveness probe
#   POD_ID   id of the pod's container
#
#   /bundles/mine, /bundles/bare, /bundles/pod   containers: mine, mine without the mounts of the manifest, the pod
#
#   /results/RUN.jsonl, .stderr, .exit   mine's output and exit code; RUN is first, second or bare
#   /results/RUN.pod                     process of the pod's first program
#   /results/modules                     modules before the first run
#   /results/netns                       network namespace of the host
#   /results/metrics                     answer to the liveness probe in the second run
set -eu

runtime="/usr/local/bin/crun --cgroup-manager=cgroupfs"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# containerd has the bundles there.
bundles=/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p $bundles
cp -R /bundles/pod "$bundles/$POD_ID"
cp /proc/modules /results/modules
stat -Lc %i /proc/self/ns/net >/results/netns

# The root of this machine is its initramfs, which pivot_root(2) does not accept.
start() { # RUN BUNDLE
  run=$1
  $runtime run --no-pivot --bundle "/bundles/$2" mine >"/results/$run.jsonl" 2>"/results/$run.stderr" &
  pid=$!
  /usr/local/bin/await-tracing $pid "/results/$run.stderr"
}
stop() {
  $runtime kill mine TERM
  status=0
  wait $pid || status=$?
  echo $status >"/results/$run.exit"
}
await_event() { # SET
  until grep -q "\"set\":\"$1\"" "/results/$run.jsonl"; do
    kill -0 $pid
    sleep 0.1
  done
}
# The pod lives until mine has shown its command: a cgroup without processes is removed, and its path with it.
run_pod() {
  $runtime run --no-pivot --bundle "$bundles/$POD_ID" --pid-file "/results/$run.pod" pod &
  pod=$!
  await_event inside
  $runtime kill pod KILL
  wait $pod || true
}
user_id=$(id -u rafaeldtinoco)
# Runs a command of a user who logged in. echo is a part of the shell, so it is the shell's login user.
as_login() {
  (echo "$user_id" >/proc/self/loginuid && "$@")
}

start first mine
as_login ipset create blocklist hash:ip
ipset add blocklist 192.0.2.1
run_pod
stop

start second mine
as_login ipset add blocklist 192.0.2.2
run_pod
wget -qO /results/metrics "$PROBE"
stop

start bare bare
as_login ipset add blocklist 192.0.2.3
run_pod
stop
