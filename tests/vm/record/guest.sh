# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: does what /commands says, and shows all sets that there are afterwards. If there is
# a mine, it watches and records the commands. Lines of /commands:
#
#   > ARGUMENTS   one ipset command
#   - ARGUMENTS   one that must be refused
#   -             the gathered lines go to `ipset restore`, and must be refused
#   anything else is gathered, and goes to `ipset restore` before one of the above, and at the end
#
#   /results/saved, mine.*
set -eu

mine=/usr/local/bin/mine
lines=/tmp/lines

# As arguments of a command: quotes mean to the shell what they mean to `ipset restore`, and there is nothing
# else in these lines that means something to it.
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

# The gathered lines.
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
fi
