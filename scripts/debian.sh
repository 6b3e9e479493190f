#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Runs an apt command as if this machine used another Debian suite. The machine's own apt is unchanged.
#
#   scripts/debian.sh SUITE COMMAND [ARG...]
#   scripts/debian.sh trixie apt-get source --download-only elfutils
#   scripts/debian.sh sid apt-cache depends linux-image-cloud-amd64
#   DEBIAN_ARCH=arm64 scripts/debian.sh bookworm apt-get download musl-dev
#
# DEBIAN_ARCH: packages of this architecture instead of the machine's own, for `apt-get download` alone.
# The suite's package and source lists are in a cache of their own, and are fetched again after a day. The
# mirror is the one that the machine's own apt uses for Debian. So no address is fixed here, and the
# administrator's proxy or mirror is used. DEBIAN_MIRROR=URL names another one.
# Use `apt-get download`, not `install`: the private dpkg status is empty, so nothing can be installed.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
suite=$1
shift

mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
  awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')}
if [ -z "$mirror" ]; then
  echo "debian.sh: apt on this machine knows no Debian mirror" >&2
  echo "debian.sh: run 'apt-get update' first, or name one with DEBIAN_MIRROR=URL" >&2
  exit 1
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

own=$(dpkg --print-architecture)
arch=${DEBIAN_ARCH:-$own}
root=${MINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mine}/apt/$suite
[ "$arch" = "$own" ] || root=$root-$arch
mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
cat >"$root/sources.list" <<LIST
deb [signed-by=$keyring] $mirror $suite main
deb-src [signed-by=$keyring] $mirror $suite main
LIST
# APT::Sandbox::User: apt would otherwise change to a user that has no access to this cache.
cat >"$root/apt.conf" <<CONF
Dir::Etc::SourceList "$root/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$root/state";
Dir::State::status "/dev/null";
Dir::Cache "$root/cache";
APT::Sandbox::User "";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
Acquire::Retries "3";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
CONF
export APT_CONFIG=$root/apt.conf

# Only one update runs at a time, even if several builds run in parallel.
exec 9>"$root/lock"
flock 9
if [ -z "$(find "$root/updated" -mmin -1440 2>/dev/null)" ]; then
  echo "debian.sh: fetching the package lists of $suite" >&2
  apt-get -qq update >&2
  touch "$root/updated"
fi
exec 9>&-

exec "$@"
