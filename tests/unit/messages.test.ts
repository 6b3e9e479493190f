// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Every text that a user can see, in one snapshot: a better sentence changes that file and no other test. After a
// change run `bun test -u tests/unit/messages.test.ts`, and review the diff of __snapshots__/messages.test.ts.snap.
// The list is complete because it does not follow messages to a printer: it takes every text of src/ that has letters
// and a space. A text of one word is covered where a report has it.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { formatDoctorText } from "../../src/doctor/text.ts";
import { root } from "../support/compile.ts";
import { auditable, refused, variants } from "../support/doctor-reports.ts";

const src = join(root, "src");
const isProse = (text: string): boolean => /[A-Za-z]/.test(text) && text.includes(" ");

/** Shows where a text begins and ends, when that would not be seen. */
const shown = (text: string): string => (/^\s|\s$|\n/.test(text) ? JSON.stringify(text) : text);

/** Returns the texts of a source file, in its order; {name} or {...} stands for an expression in a template. */
function textsOf(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const texts = new Set<string>();
  const placeholder = (start: number, end: number): string => {
    const expression = source.slice(start, end);
    return /^[\w.#]+$/.test(expression) ? `{${expression}}` : "{...}";
  };
  new Visitor({
    Literal: ({ value }) => {
      if (typeof value === "string" && isProse(value)) texts.add(value);
    },
    TemplateLiteral: ({ quasis, expressions }) => {
      const parts = quasis.map(({ value }) => value.cooked ?? value.raw);
      const names = expressions.map(({ start, end }) => placeholder(start, end));
      if (isProse(parts.join(""))) texts.add(parts.map((part, at) => part + (names[at] ?? "")).join(""));
    },
  }).visit(program);
  return [...texts];
}

function help(args: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, join(src, "main.ts"), ...args]);
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
  return `\n${stdout.toString().replaceAll(/ +$/gm, "")}`;
}

test("a text is found wherever it stands in a source", () => {
  const source = `
    const table = { reason: "of a table", other: ["of a list"] } as const satisfies Table;
    log.warn(\`of a call \${name}, \${a.b}, \${one ? "of an expression" : \`nested in \${two()}\`}\`);
    class Known<Type> { #field = "of a field"; method(text = 'of a "default"') { return text + " of a sum"; } }
    const none = ["word", \`\${a} \${b}\`, 1, / a pattern /];`;
  expect(textsOf("made-up.ts", source)).toEqual([
    ...["of a table", "of a list", "of a call {name}, {a.b}, {...}", "of an expression", "nested in {...}"],
    ...["of a field", 'of a "default"', " of a sum"],
  ]);
});

test("texts", () => {
  const files = readdirSync(src, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".ts"));
  const texts = files
    .toSorted()
    .map((file) => [file, ...textsOf(file, readFileSync(join(src, file), "utf8")).map(shown)]);
  const lines = texts.filter(({ length }) => length > 1).map((list) => list.join("\n  "));
  expect(`\n${lines.join("\n")}\n`).toMatchSnapshot();
});

test.each([[["--help"]], [["doctor", "--help"]]])("mine %j", (args) => {
  expect(help(args)).toMatchSnapshot();
});

test.each([
  ["a host that can be audited", auditable],
  ["a host that cannot", refused],
])("mine doctor, %s", (_, report) => {
  expect(`\n${formatDoctorText(report)}\n`).toMatchSnapshot();
});

test("mine doctor, lines that differ on other hosts", () => {
  const usual = new Set(formatDoctorText(auditable).split("\n"));
  const others = variants.map((variant) => formatDoctorText({ ...auditable, ...variant }).split("\n"));
  const lines = others.flatMap((text) => text.filter((line) => !usual.has(line)));
  expect(`\n${lines.join("\n")}\n`).toMatchSnapshot();
});
