# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# The session of `make demo`: mine in the foreground of a terminal, and a user who runs ipset commands.
#
#   MINE        path of mine
#   LOGIN_UID   that user's id, for a machine without a login
set -eu

stderr=$(mktemp)
mine_pid=
trap 'rm -f "$stderr"; [ -z "$mine_pid" ] || kill $mine_pid' EXIT
trap 'exit 1' HUP INT PIPE TERM

prompt() { printf '\n$ %s\n' "$*"; }

# Runs ipset as after `sudo`: the command has root's privileges, but the kernel still knows the login user.
as_login() {
  prompt sudo ipset "$@"
  (
    if [ -n "${LOGIN_UID:-}" ]; then
      echo "$LOGIN_UID" >/proc/self/loginuid
    fi
    exec ipset "$@"
  ) || true # some commands must fail
  sleep 0.3 # mine's line must follow its command
}

prompt uname -sr
uname -sr
prompt sudo ./mine
"$MINE" 2>"$stderr" &
mine_pid=$!
until grep -q '^Tracing' "$stderr"; do
  if ! kill -0 $mine_pid 2>/dev/null; then
    cat "$stderr"
    status=0
    wait $mine_pid || status=$?
    mine_pid=
    exit $status
  fi
  sleep 0.1
done
cat "$stderr"
told=$(wc -l <"$stderr")

as_login create test123 hash:ip
as_login create test456 hash:ip
as_login create test789 hash:ip
as_login create test123 hash:ip
as_login add test123 10.0.0.1
as_login add test123 10.0.0.1
as_login test test123 10.0.0.9
as_login rename test456 office
as_login swap test123 office
as_login destroy nowhere
as_login destroy

printf '\n^C\n'
kill -INT $mine_pid
status=0
wait $mine_pid || status=$?
mine_pid=
tail -n +$((told + 1)) "$stderr"
exit $status
