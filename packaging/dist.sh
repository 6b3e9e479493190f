#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Packs built binaries for download: a tarball for each, Debian and RPM packages for those with glibc, an SBOM, and
# the checksums.
#
#   packaging/dist.sh DEST MINE TARGET=BINARY...
#   packaging/dist.sh dist ./mine linux-x64=./mine linux-arm64=.output/linux-arm64/mine
#
# MINE runs here, and prints the man page and the completions.
set -euo pipefail
# shellcheck source=packaging/common.sh
. "$(dirname "$0")/common.sh"

[ $# -ge 3 ] || fail "usage: packaging/dist.sh DEST MINE TARGET=BINARY..."
dest=$1 mine=$2
shift 2
maintainer="The authors of mine <mine@localhost>"

rm -rf "$dest"
mkdir -p "$dest"
dest=$(realpath "$dest")

pages=$work/pages
mkdir "$pages"
"$mine" --generate man >"$pages/mine.8"
for shell in bash zsh fish; do
  "$mine" --generate "complete-$shell" >"$pages/$shell"
done

tarball() { # TARGET BINARY
  local name=mine-$version-$1
  mkdir -p "$work/$name/completions"
  install -m 755 "$2" "$work/$name/mine"
  install -m 644 "$pages/mine.8" "$top"/packaging/mine.{service,conf} "$top"/LICENSE* "$top/NOTICE" "$top/CHANGELOG.md" \
    "$work/$name/"
  install -m 644 "$pages/bash" "$work/$name/completions/mine"
  install -m 644 "$pages/zsh" "$work/$name/completions/_mine"
  install -m 644 "$pages/fish" "$work/$name/completions/mine.fish"
  archive "$work" "$name" | gzip -9n >"$dest/$name.tar.gz"
}

# Puts the files of a package where a distribution has them.
stage() { # BINARY ROOT ZSH_DIRECTORY
  local share=$2/usr/share
  mkdir -p "$2/usr/sbin" "$share/man/man8" "$share/bash-completion/completions" "$2/$3" \
    "$share/fish/vendor_completions.d" "$share/doc/mine" "$2/usr/lib/systemd/system" "$2/etc"
  install -m 755 "$1" "$2/usr/sbin/mine"
  install -m 644 "$top/packaging/mine.service" "$2/usr/lib/systemd/system/"
  install -m 644 "$top/packaging/mine.conf" "$2/etc/"
  gzip -9n <"$pages/mine.8" >"$share/man/man8/mine.8.gz"
  install -m 644 "$pages/bash" "$share/bash-completion/completions/mine"
  install -m 644 "$pages/zsh" "$2/$3/_mine"
  install -m 644 "$pages/fish" "$share/fish/vendor_completions.d/mine.fish"
  install -m 644 "$top"/LICENSE.* "$top/NOTICE" "$top/CHANGELOG.md" "$share/doc/mine/"
  find "$2" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

debian_package() { # ARCH BINARY
  local root=$work/deb-$1
  stage "$2" "$root" usr/share/zsh/vendor-completions
  install -m 644 "$top/LICENSE" "$root/usr/share/doc/mine/copyright"
  mkdir "$root/DEBIAN"
  echo /etc/mine.conf >"$root/DEBIAN/conffiles"
  (cd "$root" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  cat >"$root/DEBIAN/control" <<CONTROL
Package: mine
Version: $version
Architecture: $1
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$root" --exclude=DEBIAN | cut -f 1)
Depends: libc6 (>= 2.17)
Recommends: ipset, kmod
Section: admin
Priority: optional
Description: audit ipset commands
 mine shows every ipset command on this host: who ran it, on which set, with
 which elements, and what the kernel answered.
CONTROL
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  # Level 2 of xz is 10 % larger than the default, and takes a quarter of the time.
  dpkg-deb --root-owner-group -Zxz -z2 --build "$root" "$dest/mine_${version}_$1.deb" >/dev/null
}

rpm_package() { # ARCH BINARY
  local root=$work/rpm-$1
  stage "$2" "$root" usr/share/zsh/site-functions
  rpmbuild -bb --quiet --target "$1-linux" --define "_topdir $work/rpmbuild-$1" --define "_rpmdir $work" \
    --define "staged $root" --define "version_of_mine $version" --define "maintainer $maintainer" \
    "$top/packaging/mine.spec" >/dev/null
  mv "$work/$1/mine-$version-1.$1.rpm" "$dest/"
}

for pair; do
  target=${pair%%=*} binary=${pair#*=}
  tarball "$target" "$binary"
  case $target in
    linux-x64) debian_package amd64 "$binary" && rpm_package x86_64 "$binary" ;;
    linux-arm64) debian_package arm64 "$binary" && rpm_package aarch64 "$binary" ;;
  esac
done
"$top/node_modules/.bin/bun" "$top/packaging/sbom.ts" "$SOURCE_DATE_EPOCH" >"$dest/mine-$version.cdx.json"
checksums "$dest"
