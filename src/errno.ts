// errno numbers as names and sentences, from the runtime's own table.
import { getSystemErrorMap } from "node:util";

const table = getSystemErrorMap();

/** @param errno positive. @returns "EPERM", or "errno 524" for one without a name. */
export function errnoName(errno: number): string {
  return table.get(-errno)?.[0] ?? `errno ${errno}`;
}

/** @param errno positive. @returns "Operation not permitted". */
export function errnoSentence(errno: number): string {
  const sentence = table.get(-errno)?.[1] ?? `Unknown error ${errno}`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
