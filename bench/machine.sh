# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=dash
#
# Runs in a test machine: unpacks everything that the bench compares, and measures.
set -eu

tar -x -f /bench/root.tar -C /
rm /bench/root.tar
modprobe ip_set_hash_ip
exec /bench/measure.sh
