// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Defines the commands for citty. Each reads its Config from the options, then loads the rest of its code.
import { defineCommand, runCommand } from "citty";
import packageJson from "../../package.json" with { type: "json" };
import { usageError } from "../errors.ts";
import { log } from "../log.ts";
import { print } from "../output/stdout.ts";
import { readConfig, readHostConfig, readInstallConfig } from "./config.ts";
import { type CommandName, commandSummaries, type Values } from "./options.ts";
import { generated } from "./texts.ts";

/** Context of a command. `data` has the options, which parse.ts has read. */
interface Given {
  data?: Values;
}

const trace = defineCommand({
  meta: { name: "trace", description: commandSummaries.trace },
  run: async ({ data = {} }: Given) => {
    const config = readConfig(data);
    const { trace } = await import("../trace/trace.ts");
    await trace(config, packageJson.version);
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

const install = defineCommand({
  meta: { name: "install", description: commandSummaries.install },
  run: async ({ data = {} }: Given) => {
    const config = readInstallConfig(data);
    const { default: unit } = await import("../../packaging/mine.service", { with: { type: "text" } });
    const { default: conf } = await import("../../packaging/mine.conf", { with: { type: "text" } });
    const [man, bash, zsh, fish] = await Promise.all([
      generated("man"),
      generated("complete-bash"),
      generated("complete-zsh"),
      generated("complete-fish"),
    ]);
    const { install } = await import("../install/install.ts");
    print(install(config, process.execPath, { man, bash, zsh, fish, unit, config: conf }).join("\n"));
    if (!config.dryRun)
      log.info("systemctl daemon-reload && systemctl enable --now mine starts the service.");
  },
});

const uninstall = defineCommand({
  meta: { name: "uninstall", description: commandSummaries.uninstall },
  run: async ({ data = {} }: Given) => {
    const config = readInstallConfig(data);
    const { uninstall } = await import("../install/install.ts");
    print(uninstall(config).join("\n"));
  },
});

const commands = { trace, doctor, btf, install, uninstall };

export async function run(name: CommandName, values: Values): Promise<void> {
  await runCommand(commands[name], { rawArgs: [], data: values });
}
