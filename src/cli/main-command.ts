// The command line: citty's commands, and what was typed turned into a Config, complaints naming the option.
import { defineCommand, renderUsage } from "citty";
import packageJson from "../../package.json" with { type: "json" };
import { readConfig } from "./config.ts";
import { commonArgs, traceArgs, variables } from "./options.ts";

const args = { ...traceArgs, ...commonArgs };

const traceCommand = defineCommand({
  meta: { name: "trace", description: "Audit ipset commands in the foreground until Ctrl-C (the default)" },
  args,
  run: async ({ args }) => {
    const config = readConfig(args);
    const { trace } = await import("../app/trace.ts");
    await trace(config);
  },
});

export const mainCommand = defineCommand({
  meta: {
    name: packageJson.name,
    version: packageJson.version,
    description: "Every ipset command on this host: who, which set, and what the kernel answered",
  },
  args,
  default: "trace",
  subCommands: { trace: traceCommand },
});

/** What --help shows. */
export async function usage(): Promise<string> {
  const lines = Object.values(variables).map(({ name, description }) => `  ${name.padEnd(21)}${description}`);
  return `${await renderUsage(mainCommand)}\n\nENVIRONMENT\n\n${lines.join("\n")}`;
}

export const mainArgs = args;
export const commandNames = ["trace"] as const;
