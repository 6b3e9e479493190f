// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Derives the lines that mine must print from the workload's record of each ipset command. Nothing comes from mine:
// the workload knows the caller, and ipset itself printed the outcome.

/** Bytes are latin1 strings here: names in the workload need not be UTF-8. */
export interface Command {
  args: string[];
  user: string;
  pid: number;
  exitCode: number;
  stderr: string;
  /** The input of `ipset restore`. */
  stdin: string;
  /** Whether ipset ended before it called any handler in the kernel. */
  unseen: boolean;
}

/** Reads the commands of one run from the machine's result files. */
export function readCommands(files: Map<string, Buffer>): Command[] {
  const numbers = [...files.keys()].flatMap((name) => /^commands\/(\d+)\.args$/.exec(name)?.[1] ?? []);
  return numbers.sort().map((number) => {
    const read = (field: string) => files.get(`commands/${number}.${field}`)?.toString("latin1") ?? "";
    return {
      args: read("args").split("\0").slice(0, -1),
      user: read("user").trim(),
      pid: Number(read("pid")),
      exitCode: Number(read("exit")),
      stderr: read("stderr"),
      stdin: read("stdin"),
      unseen: files.has(`commands/${number}.unseen`),
    };
  });
}

/** Returns every line without its timestamp, in the order in which the kernel ended the commands. */
export function expectedLines(commands: Command[]): string[] {
  return commands.flatMap((command) => {
    if (command.unseen) return [];
    const uid = command.user === "root" ? 0 : 1000;
    const who = `ipset (pid: ${command.pid}) (username: ${command.user} - uid: ${uid})`;
    return outcomes(command).map((outcome) => `${who} - ${outcome}`);
  });
}

function outcomes(command: Command): string[] {
  const args = command.args.filter((arg) => !arg.startsWith("-"));
  if (args[0] === "restore") return restoreOutcomes(command);
  const [, , element] = args;
  const hasElement = args[0] === "add" || args[0] === "del" || args[0] === "test";
  const exist = command.args.includes("-exist") ? " -exist" : "";
  const what = action(args, hasElement && element !== undefined ? [element] : []);
  return [`${what}${exist} - ${result(args, command)}`];
}

/** @param elements as typed, which is also how ipset prints them. */
function action(args: string[], elements: string[]): string {
  const [verb = "", set, other = ""] = args;
  const name = set === undefined ? "<all sets>" : (special[set] ?? set);
  switch (verb) {
    case "create":
      return `CREATE ${name} (type: ${other})`;
    case "rename":
      return `RENAME ${name} -> ${special[other] ?? other}`;
    case "swap":
      return `SWAP ${name} <-> ${special[other] ?? other}`;
    default:
      return [verb.toUpperCase(), name, ...listed(elements)].join(" ");
  }
}

/** Returns the elements as a line prints them: the first two, and the number of the others. */
function listed(elements: string[]): string[] {
  if (elements.length === 0) return [];
  const more = elements.length > 2 ? ` (+${elements.length - 2} more)` : "";
  return [`${elements.slice(0, 2).join(", ")}${more}`];
}

function result(args: string[], { exitCode, stderr }: Command): string {
  const sentence = /^ipset v[\d.]+: (?:Error in line \d+: )?(.*)$/m.exec(stderr)?.[1];
  if (args[0] === "test" && sentence === undefined) {
    return exitCode === 0 ? "SUCCESS (in set)" : "SUCCESS (not in set)";
  }
  return exitCode === 0 ? "SUCCESS" : `ERROR (${sentence})`;
}

/** A restore stops at the first failed message and reports its line: mine names the element of that line. */
function restoreOutcomes(command: Command): string[] {
  const failedLine = Number(/Error in line (\d+)/.exec(command.stderr)?.[1] ?? Number.POSITIVE_INFINITY);
  return restoreMessages(command.stdin)
    .filter(({ firstLine }) => firstLine <= failedLine)
    .map(({ args, elements, firstLine, lastLine }) => {
      const what = action(args, elements);
      if (lastLine < failedLine) return `${what} - SUCCESS`;
      const failed = result(args, command);
      if (elements.length <= 1) return `${what} - ${failed}`;
      const before = failedLine - firstLine;
      const effect = `${before} ${before === 1 ? "element" : "elements"} took effect`;
      return `${what} - ${failed.replace("(", `(${elements[before]}: `).replace(/\)$/, `; ${effect})`)}`;
    });
}

interface Message {
  args: string[];
  /** Elements of adds and dels. */
  elements: string[];
  firstLine: number;
  lastLine: number;
}

/** Returns one message per line, but one for consecutive adds, or dels, to one set. */
function restoreMessages(stdin: string): Message[] {
  const messages: Message[] = [];
  for (const [index, text] of stdin.trimEnd().split("\n").entries()) {
    const line = index + 1;
    const args = text.split(" ");
    const isBatched = args[0] === "add" || args[0] === "del";
    const elements = isBatched ? [args.slice(2).join(" ")] : [];
    const previous = messages.at(-1);
    if (previous && isBatched && previous.args[0] === args[0] && previous.args[1] === args[1]) {
      previous.elements.push(...elements);
      previous.lastLine = line;
    } else {
      messages.push({ args, elements, firstLine: line, lastLine: line });
    }
  }
  return messages;
}

/** The printed form of odd names: they must neither look like another part of the line nor do harm. */
const special: Record<string, string> = {
  "white space": `"white space"`,
  '"quoted"': String.raw`"\"quoted\""`,
  "back\\slash": String.raw`"back\\slash"`,
  "\\n": String.raw`"\\n"`,
  "new\nline)": String.raw`"new\nline)"`,
  "tab\tdel\x7f": String.raw`"tab\tdel\x7f"`,
  "\x1b[31mred": String.raw`"\x1b[31mred"`,
  "bidi\xe2\x80\xaex": String.raw`"bidi\u{202e}x"`,
  "caf\xc3\xa9": "caf\u00e9",
  "-": '"-"',
  "bad\xff": String.raw`"bad\xff"`,
};
