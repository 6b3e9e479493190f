#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Changes a set; its last command fails. Each process writes its id.
ipset() {
  sh -c 'echo $$ >>/results/ipset.pids; exec ipset "$@"' sh "$@"
}

ipset create blocklist hash:ip -exist
ipset add blocklist 192.0.2.1 -exist
ipset del blocklist 192.0.2.2
echo "$$" >>/results/blocker.pids
