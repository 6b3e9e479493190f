// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Chooses the BTF file of the running kernel.
import { type BtfParser, btfPlaces, searchBtf } from "bun-libbpf";
import { unsupported } from "../errors.ts";

/**
 * Chooses a BTF file. The other parameters are those of searchBtf().
 * @param otherwise makes BTF if no place has it. Its parameter names each place and its fault.
 * @throws MineError if the named file is not usable.
 */
export function chooseBtf<Other>(
  release: string,
  named: string | undefined,
  otherwise: (missing: string) => Other,
  places = btfPlaces(release),
  parse?: BtfParser,
): { path: string } | Other {
  const looked = searchBtf(named, places, parse);
  const found = looked.find(({ fault }) => !fault);
  if (found) return { path: found.path };
  if (named !== undefined) {
    throw unsupported("unusable-btf", `cannot use ${named} as BTF: ${looked[0]?.fault?.message}`);
  }
  const list = looked.map(({ path, fault }) => `${path} (${fault?.message})`).join(", ");
  return otherwise(`kernel ${release} has no BTF; looked at ${list}`);
}
