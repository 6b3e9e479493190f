// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The units of systemd in a cgroup's path. The first table has the paths of systemd's own test and their units
// (src/test/test-cgroup-util.c, v257).
import { describe, expect, test } from "bun:test";
import { unitsOf } from "../../src/host/units.ts";

describe("the units are those that systemd finds:", () => {
  test.each([
    ["/system.slice/foobar.service/sdfdsaf", "foobar.service"],
    ["/system.slice/getty@tty5.service", "getty@tty5.service"],
    ["/system.slice/getty@tty5.service/aaa/bbb", "getty@tty5.service"],
    ["/system.slice/getty@tty5.service/", "getty@tty5.service"],
    ["/system.slice/getty@tty6.service/tty5", "getty@tty6.service"],
    ["sadfdsafsda", undefined],
    ["/system.slice/getty####@tty6.service/xxx", undefined],
    ["/system.slice/system-waldo.slice/foobar.service/sdfdsaf", "foobar.service"],
    ["/system.slice/system-waldo.slice/_cpu.service/sdfdsaf", "cpu.service"],
    ["/user.slice/user-1000.slice/user@1000.service/server.service", "user@1000.service"],
    ["/user.slice/user-1000.slice/user@.service/server.service", undefined],
  ])("%s", (path, unit) => {
    expect(unitsOf(path)?.unit).toBe(unit as string);
  });

  test.each([
    ["/user.slice/user-1000.slice/user@1000.service/foobar.service", "foobar.service"],
    ["/user.slice/user-1000.slice/user@1000.service/waldo.slice/foobar.service", "foobar.service"],
    ["/user.slice/user-1002.slice/user@1002.service/foobar.service/waldo", "foobar.service"],
    ["/user.slice/user-1000.slice/user@1000.service/foobar.service/waldo/uuuux", "foobar.service"],
    ["/user.slice/user-1000.slice/user@1000.service/waldo/waldo/uuuux", undefined],
    ["/user.slice/user-1000.slice/session-1.scope/foobar.service/waldo", undefined],
    ["/foobar.service", undefined],
  ])("of a user: %s", (path, userUnit) => {
    expect(unitsOf(path)?.userUnit).toBe(userUnit as string);
  });
});

test.each([
  ["/system.slice/cron.service", { unit: "cron.service", slice: "system.slice" }],
  ["/user.slice/user-1000.slice/session-3.scope", { unit: "session-3.scope", slice: "user-1000.slice" }],
  ["/init.scope", { unit: "init.scope", slice: "-.slice" }],
  ["/a.service", { unit: "a.service", slice: "-.slice" }],
  ["/system.slice/var-lib\\x2dx.mount", { unit: "var-lib\\x2dx.mount", slice: "system.slice" }],
])("%s has its slice", (path, units) => {
  expect(unitsOf(path)).toEqual(units);
});

describe("a name below a unit is not a unit of the system:", () => {
  test.each([
    ["of a service with its own cgroups", "/system.slice/a.service/system.slice/cron.service", "a.service"],
    ["of a container", "/machine.slice/libpod-1.scope/system.slice/cron.service", "libpod-1.scope"],
    ["of a session", "/user.slice/user-1000.slice/session-1.scope/cron.service", "session-1.scope"],
  ])("%s", (_, path, unit) => {
    expect(unitsOf(path)?.unit).toBe(unit);
  });
});

test.each([
  ["the root", "/"],
  ["a slice alone", "/system.slice"],
  ["docker with cgroupfs", `/docker/${"0f".repeat(32)}/system.slice/cron.service`],
  ["an empty name", "/system.slice//cron.service"],
  ["a suffix alone", "/system.slice/.service"],
  ["a name that is too long", `/system.slice/${"a".repeat(248)}.service`],
  ["a device, which has no processes", "/system.slice/sda.device"],
  ["a name with a character of another kind", "/system.slice/a b.service"],
])("%s has no unit", (_, path) => {
  expect(unitsOf(path)).toBeUndefined();
});
