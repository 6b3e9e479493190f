// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The table of variables. The help and the man page use it.

/**
 * The variables that mine reads from the environment. It reads no others. A variable that people do not set for mine has
 * no summary for the short help.
 */
export const variables = {
  kernVersion: {
    name: "LIBBPF_KERN_VERSION",
    summary: "Kernel version for kernels that check it (before 5.0)",
    details:
      "Report this version to kernels that check it (before 5.0), for example 4.15.18. It replaces the detected version.",
  },
  assumeKernel: {
    name: "MINE_ASSUME_KERNEL",
    summary: "Use no feature that is newer than this kernel version",
    details:
      "Use no kernel feature that is newer than this version, for example 4.15. This shows on a new kernel how mine works on an old one.",
  },
  notifySocket: {
    name: "NOTIFY_SOCKET",
    details:
      "Report to this socket when no command is missed any more, and the counts from then on. A service manager sets it: systemd does for a service of Type=notify.",
  },
  watchdogTime: {
    name: "WATCHDOG_USEC",
    details:
      "Report to the service manager within this time, in microseconds, that events are read. systemd sets it for a service with WatchdogSec=.",
  },
  watchdogPid: {
    name: "WATCHDOG_PID",
    details: "If it is not the process ID of mine, the watchdog is for another process.",
  },
  noColor: {
    name: "NO_COLOR",
    summary: "Use no colors, if it is not empty",
    details: "If it is not empty, text on a terminal has no colors.",
  },
  term: {
    name: "TERM",
    details: "If it is dumb, empty or not set, text on a terminal has no colors.",
  },
} as const;
