#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Makes the BTF file that mine needs on a kernel without /sys/kernel/btf/vmlinux.
#
#   scripts/build-btf.sh [VMLINUX] [-o FILE] [--force]
#
# VMLINUX may be
#   - an ELF vmlinux that has a .BTF section;
#   - an ELF vmlinux with debug information (DWARF), which pahole converts to BTF;
#   - a kernel image (vmlinuz, bzImage, arm64's Image), compressed or not, whose vmlinux has a .BTF section.
# The default is the vmlinux of the running kernel, from the directories where distributions put it.
#
#   -o, --output FILE   output file; default /boot/vmlinux-$(uname -r), where mine searches
#   -f, --force         replace FILE if it exists
#   -h, --help          show this text
#
# The result is an ELF file that has only a .BTF section, a few megabytes. It fits exactly one kernel release.
# Another machine may make it (-o) if an old distribution's pahole is too old for DWARF. Copy it then.
set -euo pipefail
umask 022
export LC_ALL=C

# Minimum version of pahole: the one that Linux itself required when it began to make BTF everywhere (5.x).
readonly PAHOLE_MIN=1.16

say() { printf 'build-btf.sh: %s\n' "$@" >&2; }
die() { say "$@"; exit 1; }
bad_usage() { say "$1" "try --help"; exit 2; }

need() { # TOOL PACKAGE WHY
  command -v "$1" >/dev/null || die "$1 is needed $3, and is not installed" "install the package $2"
}

# Finds the running kernel where distributions keep it. Files with debug information come first.
find_vmlinux() {
  local release=$1 place
  local -a places=(
    "/usr/lib/debug/boot/vmlinux-$release" "/usr/lib/debug/boot/vmlinux-$release.debug"
    "/usr/lib/debug/lib/modules/$release/vmlinux" "/usr/lib/modules/$release/build/vmlinux"
    "/boot/vmlinuz-$release" "/usr/lib/modules/$release/vmlinuz"
  )
  for place in "${places[@]}"; do
    if [ -r "$place" ]; then
      echo "$place"
      return
    fi
  done
  say "no vmlinux of the running kernel $release; looked for" "${places[@]/#/  }"
  die "install the kernel's debug symbols (linux-image-$release-dbg or -dbgsym), or name a VMLINUX"
}

is_elf() { [ "$(head -c 4 -- "$1" | od -An -tx1)" = ' 7f 45 4c 46' ]; }

# arm64's kernel image is no ELF file, and not a loader with one: it is the kernel as it is in memory
# (Documentation/arch/arm64/booting.rst).
is_arm64_image() { [ "$(head -c 60 -- "$1" | tail -c 4 | od -An -tx1)" = ' 41 52 4d 64' ]; }

has_section() { # FILE NAME
  local sections
  sections=$(readelf -SW -- "$1" 2>/dev/null) || true
  [[ $sections == *" $2 "* ]]
}

# Unpacks a kernel image: a small loader that contains the compressed vmlinux. The first bytes of a compressed
# stream show its start and its format. They also occur by chance, so the result must be an ELF file. Other
# bytes follow the stream. The tools complain about them, but only after they have unpacked it.
unpack_image() { # IMAGE RESULT
  local pattern tool args package offset
  local -a offsets missing=()
  while read -r tool args package pattern; do
    mapfile -t offsets < <(grep -obUaP -- "$pattern" "$1" | cut -d: -f1)
    for offset in "${offsets[@]}"; do
      if ! command -v "$tool" >/dev/null; then
        missing+=("perhaps compressed with $tool: install the package $package and try again")
        break
      fi
      tail -c +$((offset + 1)) -- "$1" | "$tool" "$args" >"$2" 2>/dev/null || true
      if is_elf "$2" || is_arm64_image "$2"; then
        return
      fi
    done
  done <<'FORMATS'
gzip  -dc    gzip     \x1f\x8b\x08
xz    -dc    xz-utils \xfd7zXZ\x00
zstd  -dcq   zstd     \x28\xb5\x2f\xfd
lz4   -dcq   lz4      \x02\x21\x4c\x18
bzip2 -dc    bzip2    BZh[1-9]1AY&SY
lzop  -dc    lzop     \x89LZO\x00\x0d
lzma  -dc    xz-utils \x5d\x00\x00[\x00-\xff]{2}\xff{8}
FORMATS
  die "$1 is neither an ELF file nor a kernel image that could be unpacked" "${missing[@]}" \
    "name an uncompressed vmlinux"
}

# Copies the BTF in arm64's kernel image: the first that begins with the header of version 1 (struct btf_header).
copy_image_btf() { # IMAGE RAW
  local offset strings size
  offset=$(grep -obUaPm1 '\x9f\xeb\x01\x00\x18\x00\x00\x00' "$1" | head -n 1 | cut -d: -f1) || true
  [ -n "$offset" ] || die "$vmlinux has no BTF" "name a vmlinux with debug information"
  read -r strings size < <(od -An -tu4 -j $((offset + 16)) -N 8 -- "$1")
  tail -c +$((offset + 1)) -- "$1" | head -c $((24 + strings + size)) >"$2" || true
}

# Writes a new ELF file with only a .BTF section, for $target.
wrap_btf() { # RAW RESULT
  "$objcopy" -I binary -O "$target" -B "$architecture" --strip-all \
    --rename-section .data=.BTF,readonly,contents "$1" "$2" ||
    die "$objcopy could not write an ELF file for $built_on" "for a kernel of another machine install llvm"
}

check_pahole() {
  need pahole dwarves "to turn debug information into BTF"
  local version
  version=$(pahole --version)
  version=${version#v}
  if [ "$(printf '%s\n' "$PAHOLE_MIN" "$version" | sort -V | head -n 1)" != "$PAHOLE_MIN" ]; then
    die "pahole $version is too old, $PAHOLE_MIN is the least (package dwarves)" \
      "run this on a newer distribution with -o FILE and copy FILE to this host"
  fi
}

# Reads all types of a raw .BTF section (struct btf_header, then the types: Documentation/bpf/btf.rst) and
# prints their number. This check is independent of pahole and libbpf.
count_types() { # RAW
  local header_len strings task_struct
  header_len=$(od -An -tu4 -j 4 -N 4 -- "$1")
  strings=$(od -An -tu4 -j 16 -N 4 -- "$1")
  task_struct=$(tail -c +$((header_len + strings + 1)) -- "$1" | grep -obUaP '\x00task_struct\x00' | cut -d: -f1)
  od -An -v -tu4 -w4 -- "$1" | awk -v size="$(stat -c %s -- "$1")" -v task_struct="${task_struct:--2}" '
    function bad(why) { print why; failed = 1; exit 1 }
    BEGIN {
      # Number of words after the first three, for each kind; "v": for each member.
      split("1 0 3 3v 3v 2v 0 0 0 0 0 0 2v 1 3v 0 1 0 3v", words)
    }
    NR == 1 && $1 != 125855 { bad("it does not begin with the magic number and version of BTF") }
    NR == 2 { start = $1 }
    NR == 3 { start = (start + $1) / 4 }
    NR == 4 { end = start + $1 / 4 }
    NR == 5 { strings = $1 }
    NR == 6 && (end * 4 > size || start * 4 + strings + $1 > size) { bad("it is cut off") }
    NR <= 6 || NR <= start || NR > end || NR <= skip { next }
    !name_seen { name = $1; name_seen = 1; next }
    {
      kind = int($1 / 16777216) % 32
      if (!(kind in words)) bad("it has a type of the unknown kind " kind)
      skip = NR + 1 + (words[kind] ~ /v/ ? $1 % 65536 : 1) * int(words[kind])
      if (kind == 4 && name == task_struct + 1) found = 1
      name_seen = 0
      types++
    }
    END {
      if (failed) exit 1
      if (name_seen || skip > end) bad("its last type is cut off")
      if (!found) bad("it has no struct task_struct, so it is not that of a kernel")
      print types
    }'
}

vmlinux='' output='' force=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    -o | --output)
      [ -n "${2-}" ] || bad_usage "$1 needs the name of a file"
      output=$2
      shift
      ;;
    -f | --force) force=1 ;;
    -*) bad_usage "unknown option $1" ;;
    *)
      [ -n "$1" ] || bad_usage "the name of VMLINUX is empty"
      [ -z "$vmlinux" ] || bad_usage "one VMLINUX at a time, not also $1"
      vmlinux=$1
      ;;
  esac
  shift
done

release=$(uname -r)
machine=$(uname -m)
for_this_host=''
if [ -z "$output" ]; then
  output=/boot/vmlinux-$release
  for_this_host=1
fi
if [ -z "$vmlinux" ]; then
  vmlinux=$(find_vmlinux "$release")
fi
if [ ! -f "$vmlinux" ] || [ ! -r "$vmlinux" ]; then
  die "cannot read $vmlinux: no such file, or not allowed" "name a vmlinux or a kernel image"
fi
vmlinux=$(realpath -- "$vmlinux")
directory=$(realpath -e -- "$(dirname -- "$output")") || die "$output: there is no such directory"
output=$directory/$(basename -- "$output")
if [ -e "$output" ] && [ ! -f "$output" ]; then
  die "$output is not a regular file and is not replaced"
fi
if [ -z "$force" ] && { [ -e "$output" ] || [ -L "$output" ]; }; then
  die "$output is already there" "use --force to replace it"
fi
[ -w "$directory" ] || die "cannot write to $directory" "run as root, or choose another place with -o FILE"

need readelf binutils "to look into ELF files"
# llvm-objcopy knows the files of all machines, objcopy only those of its own.
objcopy=$(command -v llvm-objcopy || command -v objcopy) ||
  die "objcopy is needed to copy sections, and is not installed" "install the package binutils"

# /tmp is often in memory, and a vmlinux with debug information has hundreds of megabytes.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/build-btf.XXXXXXXXXX")
partial=''
trap 'rm -rf -- "$work" ${partial:+"$partial"}' EXIT
trap 'exit 1' HUP INT TERM

elf=$vmlinux
if ! is_elf "$elf" && ! is_arm64_image "$elf"; then
  elf=$work/unpacked
  unpack_image "$vmlinux" "$elf"
fi

built_for=$(grep -aoPm1 'Linux version \K[0-9][!-~]*' "$elf" | head -n 1) || true
if [ -n "$for_this_host" ] && [ -n "$built_for" ] && [ "$built_for" != "$release" ]; then
  die "$vmlinux is a kernel $built_for, but this host runs $release: the file would be of no use here" \
    "name the vmlinux of $release, or say with -o FILE where to write the file for another host"
fi

if is_arm64_image "$elf"; then
  target=elf64-littleaarch64 architecture=aarch64 built_on=aarch64
  copy_image_btf "$elf" "$work/image-btf"
  elf=$work/image
  wrap_btf "$work/image-btf" "$elf"
fi
case $(readelf -hW -- "$elf") in
  *"little endian"*"X86-64"*) target=elf64-x86-64 architecture=i386:x86-64 built_on=x86_64 ;;
  *"little endian"*"AArch64"*) target=elf64-littleaarch64 architecture=aarch64 built_on=aarch64 ;;
  *) die "$vmlinux is of a machine that mine does not run on; x86-64 and arm64 are known" ;;
esac
if [ "$built_on" != "$machine" ]; then
  [ -z "$for_this_host" ] || die "$vmlinux is a kernel of $built_on, this host is $machine" "use -o FILE"
  say "note: $vmlinux is a kernel of $built_on, this host is $machine"
fi

if ! has_section "$elf" .BTF; then
  if ! has_section "$elf" .debug_info && ! has_section "$elf" .zdebug_info; then
    die "$vmlinux has neither BTF nor debug information" \
      "install the kernel's debug symbols (linux-image-${built_for:-$release}-dbg or -dbgsym) and name its vmlinux"
  fi
  check_pahole
  if [ "$elf" != "$work/unpacked" ]; then
    cp -- "$elf" "$work/unpacked"
    elf=$work/unpacked
  fi
  # pahole runs llvm-objcopy to add the section. LLVM_OBJCOPY names objcopy if that is missing.
  LLVM_OBJCOPY=$objcopy pahole -J "$elf" || die "pahole could not make BTF of $vmlinux"
  has_section "$elf" .BTF || die "pahole found no types in $vmlinux"
fi

# Writes a new file around the section. A vmlinux without its other sections would keep its program headers,
# and with them holes up to its old size.
"$objcopy" --dump-section .BTF="$work/raw" "$elf" "$work/unused" ||
  die "$objcopy could not copy the .BTF section of $vmlinux" "for a kernel of another machine install llvm"
wrap_btf "$work/raw" "$work/result"

partial=$(mktemp "$directory/.build-btf.XXXXXXXXXX")
cp -- "$work/result" "$partial"
chmod 644 "$partial"
"$objcopy" --dump-section .BTF="$work/read-back" "$partial" "$work/unused"
types=$(count_types "$work/read-back") || die "the BTF made from $vmlinux is not usable: $types"
mv -fT -- "$partial" "$output"
partial=''

echo "$output: $types types, $(stat -c %s -- "$output") bytes, kernel ${built_for:-unknown}"
if [ -z "$for_this_host" ] && [ -n "$built_for" ]; then
  echo "on the host that runs this kernel it belongs to /boot/vmlinux-$built_for"
fi
