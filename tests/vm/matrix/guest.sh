# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: every kind of ipset command, valid and failing, while mine traces. Records each command, its
# caller and ipset's own output, from which expect.ts derives mine's expected lines without mine. One mine chooses
# its backend by default; besides it, one mine for each usable backend traces the same commands.
#
#   BACKENDS   usable backends, separated by commas
#   KPROBES    off: disables them first
#   EXAMPLE    yes: examples/opensnoop can run here
#   FULL_BTF   file with the BTF that the kernel lacks; one more mine reads it. Empty: none
#
#   /results/commands/NNN.*   args (NUL after each), user, pid, exit, stderr, and stdin of a restore;
#                             unseen marks a command that calls no handler in the kernel
#   /results/mine.*           mine's output, its exit code, the checksum of the running program
#   /results/evidence.*       kernel objects that exist while mine runs
#   /results/reloaded.1, .2   output file of a mine, before and after the signal to open it again, with one command each
#   /results/metrics          file with its metrics
#   /results/before, after    state that must be the same after mine has ended
set -eu

results=/results
mine=/usr/local/bin/mine
login_uid=$(id -u rafaeldtinoco)
count=0

# run USER ARGUMENT...: runs one ipset command. A user other than root is the login user; as under sudo the
# command itself runs as root.
run() {
  count=$((count + 1))
  record=$results/commands/$(printf '%03d' $count)
  user=$1
  shift
  echo "$user" >"$record.user"
  printf '%s\0' "$@" >"$record.args"
  (
    if [ "$user" != root ]; then
      echo "$login_uid" >/proc/self/loginuid
    fi
    exec ipset "$@" <"$results/stdin" >/dev/null 2>"$record.stderr"
  ) &
  pid=$!
  status=0
  wait $pid || status=$?
  echo $pid >"$record.pid"
  echo $status >"$record.exit"
}
root() { run root "$@"; }
login() { run rafaeldtinoco "$@"; }

# Marks a command that is refused before any handler in the kernel is called.
unseen() {
  "$@"
  touch "$record.unseen"
}

# Runs `ipset restore` with the lines on stdin.
restore() {
  cat >$results/stdin
  "$1" restore
  mv $results/stdin "$record.stdin"
  : >$results/stdin
}

# Starts mine, and kills it after two minutes, so that a hanging mine is its own failure, not the machine's.
start_mine() { # NAME ARGUMENT...
  name=$1
  shift
  timeout -s KILL 120 "$mine" "$@" >"$results/mine.$name.stdout" 2>"$results/mine.$name.stderr" &
  echo $! >"/run/mine.$name.pid"
  if ! /usr/local/bin/await-tracing $! "$results/mine.$name.stderr" 2>/dev/null; then
    echo "mine $* ended before it traced:"
    cat "$results/mine.$name.stderr"
    exit 1
  fi
}

stop_mine() { # NAME SIGNAL
  mine_pid=$(cat "/run/mine.$1.pid")
  rm "/run/mine.$1.pid"
  kill "-$2" "$mine_pid"
  status=0
  wait "$mine_pid" || status=$?
  echo $status >"$results/mine.$1.exit"
}

inventory() {
  cat /sys/kernel/tracing/kprobe_events /proc/mounts
  for kind in prog map link; do
    bpftool $kind list 2>/dev/null || echo "no list of every $kind" # of links since 5.8
  done
  find / /tmp /run /dev/shm -xdev ! -path '/results*'
}

mkdir $results/commands
: >$results/stdin
if [ "$KPROBES" = off ]; then
  echo 0 >/sys/kernel/debug/kprobes/enabled
fi
inventory >$results/before

date +%Y/%m/%d_%H:%M >$results/first-minute
start_mine trace
sha256sum "/proc/$(cat /run/mine.trace.pid)/exe" >$results/mine.sha256
cp /sys/kernel/tracing/kprobe_events $results/evidence.kprobe_events
bpftool --json map list >$results/evidence.maps
bpftool --json prog list >$results/evidence.programs
for backend in $(echo "$BACKENDS" | tr , ' '); do
  start_mine "$backend" -o json --backend "$backend"
done
if [ -n "$FULL_BTF" ]; then
  start_mine full -o json --btf "$FULL_BTF" --backend "${BACKENDS%%,*}"
fi

# The first ipset command after boot loads ip_set from inside the kernel.
login create test123 hash:ip
login create test456 hash:ip
login create test789 hash:ip
root create subnets hash:net
root create ports bitmap:port range 0-1023
root create sets list:set
root create six hash:ip family inet6
login create test123 hash:ip
root create test123 hash:net
root -exist create test123 hash:ip
root create huge bitmap:ip range 10.0.0.0/8
unseen root create test123 hash:nothing
unseen root create huge hash:ip hashsize 99999999999

for address in 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6; do
  login add test123 $address
done
root add test123 10.0.1.0-10.0.1.100
root add test123 10.0.0.1
root -exist add test123 10.0.0.1
root add subnets 192.168.0.0/16
root add ports 80
root add ports 2000
root add sets test123
root add sets nowhere
root add six 2001:db8::1
unseen root add nowhere 10.0.0.1

login del test123 10.0.0.1
login del test123 10.0.0.1
root -exist del test123 10.0.0.1
root del six 2001:db8::1

login test test123 10.0.0.2
login test test123 10.0.0.9
root test subnets 192.168.7.7
unseen root test nowhere 10.0.0.1

root rename six inet6
root rename inet6 subnets
root rename nowhere anywhere
login rename test123 test124
login swap test456 test789
root swap test456 ports
root swap test456 nowhere

root list
root list test456
root list nowhere
root list -name
root save
root save subnets
root save nowhere

root flush test456
root flush nowhere
login flush
root add sets test456
root destroy test456
root destroy
root destroy nowhere
root flush sets
login destroy test456

root create 'white space' hash:ip
# shellcheck disable=SC1003 # one backslash
for name in "it's" '"quoted"' 'back\slash' '\n' 1234567890123456789012345678901; do
  root create "$name" hash:ip
done
root create "$(printf 'new\nline)')" hash:ip
root create "$(printf '\033[31mred')" hash:ip
root create "$(printf 'bidi\342\200\256x')" hash:ip
root create "$(printf 'caf\303\251')" hash:ip
root create "$(printf 'bad\377')" hash:ip
root rename "$(printf 'new\nline)')" "$(printf 'tab\tdel\177')"

restore root <<LINES
create - list:set
create SUCCESS hash:ip
add - SUCCESS
destroy -
destroy SUCCESS
LINES
restore login <<LINES
create office hash:net
create guests hash:net family inet
add office 10.1.0.0/16
add office 10.2.0.0/16
add office 10.3.0.0/16
add guests 10.4.0.0/16
add office 10.5.0.0/16
del office 10.1.0.0/16
del office 10.2.0.0/16
add guests 10.6.0.0/16
add guests 10.7.0.0/16
flush guests
add guests 10.8.0.0/16
swap office guests
rename guests visitors
create doors bitmap:port range 1-100
add doors 1
add doors 2
add doors 3
add doors 5
add doors 7
add doors 11
add doors 13
add doors 17
add doors 19
add doors 23
add doors 29
add doors 31
add doors 37
destroy visitors
LINES
restore root <<LINES
add office 10.20.0.0/16
add office 10.21.0.0/16
add office 10.20.0.0/16
add office 10.22.0.0/16
LINES
restore root <<LINES
add office 10.30.0.0/16
create doors hash:ip
add office 10.31.0.0/16
LINES

login destroy
stop_mine trace INT
for backend in $(echo "$BACKENDS" | tr , ' '); do
  stop_mine "$backend" INT
done
if [ -n "$FULL_BTF" ]; then
  stop_mine full INT
fi
date +%Y/%m/%d_%H:%M >$results/last-minute

# After any end of mine its objects are gone from the kernel, or at the latest after its next run.
start_mine killed
stop_mine killed KILL
file=/dev/shm/mine.txt
NOTIFY_SOCKET=/nowhere start_mine terminated -o text:$file --metrics file:/dev/shm/mine.prom
ipset list -name >/dev/null
for _ in $(seq 100); do
  [ ! -s $file ] || break
  sleep 0.1
done
mv $file $file.1
kill -HUP "$(cat /run/mine.terminated.pid)"
for _ in $(seq 100); do
  [ ! -e $file ] || break
  sleep 0.1
done
ipset list -name >/dev/null
stop_mine terminated TERM
mv $file.1 $results/reloaded.1
mv $file $results/reloaded.2
mv /dev/shm/mine.prom $results/metrics

# The kernel frees BPF objects a little after their last user is gone.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  inventory >$results/after
  ! cmp -s $results/before $results/after || break
  sleep 0.2
done

# Runs the example on the same kernel: a process opens one file that exists and one that does not.
if [ "$EXAMPLE" = yes ]; then
  /usr/local/bin/opensnoop >$results/opensnoop.stdout 2>$results/opensnoop.stderr &
  opensnoop=$!
  /usr/local/bin/await-tracing $opensnoop $results/opensnoop.stderr
  cat /etc/passwd /nowhere >/dev/null 2>&1 &
  echo $! >$results/opensnoop.opener
  wait $! || true
  sleep 1
  kill -INT $opensnoop
  status=0
  wait $opensnoop || status=$?
  echo $status >$results/opensnoop.exit
fi
