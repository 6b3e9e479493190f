// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the systemd unit in a cgroup's path, as systemd does (src/basic/cgroup-util.c, v257). systemd makes the first
// names of a path. Those below a unit can be made by the unit itself: they are no unit of the system.

/** Units of one process. */
export interface Units {
  /** Unit of the system's manager: "cron.service", "session-3.scope", "user@1000.service". */
  unit: string;
  /** Slice of the unit. */
  slice: string;
  /** Unit of a user's manager. The user can choose this name. */
  userUnit?: string;
}

/** Max length of a unit's name (UNIT_NAME_MAX). */
const MAX_NAME = 255;
/** Units that can have processes. A template without an instance has none. */
const unitName = /^[A-Za-z0-9:_.\\-]+(?:@[A-Za-z0-9:_.\\@-]+)?\.(?:service|scope|socket|mount|swap)$/;
/** "-.slice" is the root; in other names each dash is a level. */
const sliceName = /^[A-Za-z0-9:_.\\]+(?:-[A-Za-z0-9:_.\\]+)*\.slice$/;
const userManager = /^user@\d+\.service$/;
const ROOT_SLICE = "-.slice";

/**
 * Returns the units of a cgroup.
 * @param path from the root of the hierarchy: "/system.slice/cron.service".
 * @returns undefined if no unit of systemd has this cgroup.
 */
export function unitsOf(path: string): Units | undefined {
  const names = path.split("/").slice(1).map(unescaped);
  const depth = countSlices(names);
  const unit = names[depth];
  if (unit === undefined || !isUnit(unit)) return undefined;
  const units = { unit, slice: names[depth - 1] ?? ROOT_SLICE };
  if (!userManager.test(unit)) return units;
  const below = names.slice(depth + 1);
  const userUnit = below[countSlices(below)];
  return userUnit !== undefined && isUnit(userUnit) ? { ...units, userUnit } : units;
}

const countSlices = (names: readonly string[]): number => {
  const depth = names.findIndex((name) => name.length > MAX_NAME || !sliceName.test(name));
  return depth < 0 ? names.length : depth;
};

const isUnit = (name: string): boolean => name.length <= MAX_NAME && unitName.test(name);

/** systemd puts "_" before a name that the kernel could take for a file of its own. */
const unescaped = (name: string): string => (name.startsWith("_") ? name.slice(1) : name);
