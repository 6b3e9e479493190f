// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Defines the commands for citty. Each reads its Config from the options, then loads the rest of its code.
import { defineCommand, runCommand } from "citty";
import packageJson from "../../package.json" with { type: "json" };
import { usageError } from "../errors.ts";
import { readConfig, readHostConfig } from "./config.ts";
import { type CommandName, commandSummaries, type Values } from "./options.ts";

/** Context of a command. `data` has the options, which parse.ts has read. */
interface Given {
  data?: Values;
}

const trace = defineCommand({
  meta: { name: "trace", description: commandSummaries.trace },
  run: async ({ data = {} }: Given) => {
    const config = readConfig(data);
    const { trace } = await import("../trace/trace.ts");
    await trace(config);
  },
});

const doctor = defineCommand({
  meta: { name: "doctor", description: commandSummaries.doctor },
  run: async ({ data = {} }: Given) => {
    const config = readHostConfig(data);
    const { doctor } = await import("../doctor/doctor.ts");
    doctor({ ...config, json: data.json ?? false, mineVersion: packageJson.version });
  },
});

const btf = defineCommand({
  meta: { name: "btf", description: commandSummaries.btf },
  run: async ({ data = {} }: Given) => {
    const config = readHostConfig(data);
    const { file } = data;
    if (!file) throw usageError("mine btf needs a file: -o FILE");
    const { writeBtfFile } = await import("../doctor/write-btf.ts");
    writeBtfFile(config, file);
  },
});

const commands = { trace, doctor, btf };

export async function run(name: CommandName, values: Values): Promise<void> {
  await runCommand(commands[name], { rawArgs: [], data: values });
}
