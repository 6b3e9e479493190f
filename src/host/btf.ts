// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Chooses the BTF file of the running kernel.
import { type BtfParser, btfPlaces, searchBtf } from "bun-libbpf";
import { unsupported } from "../errors.ts";

/**
 * Chooses a BTF file. The parameters are those of searchBtf().
 * @throws MineError with each place that was tried and its fault.
 */
export function chooseBtf(
  release: string,
  named: string | undefined,
  places = btfPlaces(release),
  parse?: BtfParser,
): string {
  const looked = searchBtf(named, places, parse);
  const found = looked.find(({ fault }) => !fault);
  if (found) return found.path;
  if (named !== undefined) {
    throw unsupported("unusable-btf", `cannot use ${named} as BTF: ${looked[0]?.fault?.message}`);
  }
  const list = looked.map(({ path, fault }) => `${path} (${fault?.message})`).join(", ");
  throw unsupported("no-btf", `kernel ${release} has no BTF; looked at ${list}`);
}
