// The BTF of the running kernel: the file to use, or the error that says where none was found.
import { type BtfParser, btfPlaces, searchBtf } from "../core/btf.ts";
import { unsupported } from "../errors.ts";

/**
 * Parameters as for searchBtf().
 * @throws MineError that names every place looked at, and what was wrong there.
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
