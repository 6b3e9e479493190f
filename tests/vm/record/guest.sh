# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: executes /commands, and saves all sets. If the machine has a mine, it records the commands.
# Lines of /commands:
#
#   > ARGUMENTS   one ipset command
#   - ARGUMENTS   one command that the kernel must refuse
#   -             sends the collected lines to `ipset restore`, which must fail
#   Any other line is collected. `ipset restore` gets the collected lines before one of the above, and at the end.
#
#   /results/saved, mine.*
#   /results/snapshot        the sets in the end, as mine records them
set -eu

mine=/usr/local/bin/mine
lines=/tmp/lines

# Runs a line as arguments of ipset. The shell reads quotes as `ipset restore` does, and nothing else in these
# lines is special to it.
ipset_command() {
  eval "ipset $1" >/dev/null
}

must_fail() { # WHAT COMMAND...
  what=$1
  shift
  if "$@" 2>>/results/refused; then
    echo "not refused: $what"
    exit 1
  fi
}

must_succeed() { # WHAT COMMAND...
  what=$1
  shift
  if ! "$@"; then
    echo "refused: $what"
    exit 1
  fi
}

# Executes the collected lines.
ipset_restore() {
  ipset restore <$lines
}

restore() {
  if [ -s $lines ]; then
    must_succeed "$(cat $lines)" ipset_restore
    : >$lines
  fi
}

if [ -e $mine ]; then
  $mine -o json >/results/mine.stdout 2>/results/mine.stderr &
  mine_pid=$!
  /usr/local/bin/await-tracing "$mine_pid" /results/mine.stderr
fi

: >$lines
while IFS= read -r line; do
  case $line in
    '> '*)
      restore
      must_succeed "$line" ipset_command "${line#??}"
      ;;
    '- '*)
      restore
      must_fail "$line" ipset_command "${line#??}"
      ;;
    '-')
      must_fail "$(cat $lines)" ipset_restore
      : >$lines
      ;;
    *) printf '%s\n' "$line" >>$lines ;;
  esac
done </commands
restore
ipset save >/results/saved

if [ -e $mine ]; then
  kill -INT "$mine_pid"
  status=0
  wait "$mine_pid" || status=$?
  echo $status >/results/mine.exit
  $mine -o json --snapshot --duration 1 >/results/snapshot
fi
