// The command line: citty's commands, and what was typed turned into a Config, complaints naming the option.
import { type ArgsDef, defineCommand, renderUsage } from "citty";
import packageJson from "../../package.json" with { type: "json" };
import { readConfig, readHostConfig } from "./config.ts";
import { commonArgs, doctorArgs, traceArgs, variables } from "./options.ts";

/** What each command takes. */
export const commandArgs = {
  trace: { ...traceArgs, ...commonArgs },
  doctor: { ...doctorArgs, ...commonArgs },
} as const satisfies Record<string, ArgsDef>;

/** What `mine` alone does. */
export const defaultCommand = "trace";

const traceCommand = defineCommand({
  meta: { name: "trace", description: "Audit ipset commands in the foreground until Ctrl-C (the default)" },
  args: commandArgs.trace,
  run: async ({ args }) => {
    const config = readConfig(args);
    const { trace } = await import("../app/trace.ts");
    await trace(config);
  },
});

const doctorCommand = defineCommand({
  meta: {
    name: "doctor",
    description: "What this host offers, what mine would use, and a test that it works",
  },
  args: commandArgs.doctor,
  run: async ({ args }) => {
    const config = readHostConfig(args);
    const { doctor } = await import("../app/doctor.ts");
    doctor({ ...config, json: args.json ?? false, mineVersion: packageJson.version });
  },
});

export const mainCommand = defineCommand({
  meta: {
    name: packageJson.name,
    version: packageJson.version,
    description: "Every ipset command on this host: who, which set, and what the kernel answered",
  },
  args: commandArgs[defaultCommand],
  default: defaultCommand,
  subCommands: { trace: traceCommand, doctor: doctorCommand },
});

/** What --help shows. */
export async function usage(command: keyof typeof commandArgs): Promise<string> {
  const lines = Object.values(variables).map(({ name, description }) => `  ${name.padEnd(21)}${description}`);
  const options = await (command === "doctor"
    ? renderUsage(doctorCommand, { meta: { name: packageJson.name } })
    : renderUsage(mainCommand));
  return `${options}\n\nENVIRONMENT\n\n${lines.join("\n")}`;
}
