// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The sections of the manual, for the long help and the man page.
import {
  type CommandName,
  commandSummaries,
  type OptionName,
  optionNames,
  rows,
  spellings,
} from "./options.ts";
import { variables } from "./variables.ts";

export interface Item {
  /** Spellings of the described item. */
  names: readonly string[];
  /** Placeholder of the value. */
  value?: string | undefined;
  text: string;
}

export interface Section {
  title: string;
  paragraphs?: readonly string[];
  items?: readonly Item[];
}

export const purpose = "audit ipset commands";

export const synopsis = [
  "mine [trace] [OPTION]...",
  "mine doctor [OPTION]...",
  "mine btf -o FILE",
  "mine install [--prefix DIRECTORY]",
  "mine uninstall [--prefix DIRECTORY]",
] as const;

const description: Section = {
  title: "Description",
  paragraphs: [
    "mine shows every ipset command on this host: who ran it, on which set, with which elements, and what the kernel answered. It sees the commands in the kernel with BPF, so it needs root, and Linux 4.15 or later.",
    "Commands are printed to stdout, one per line, and all else to stderr. On a terminal a failed command is red, and a command of a caller without CAP_NET_ADMIN is yellow.",
    "A command and options may come in any order. If an option is repeated, the last value counts; --output has all its values. A value that begins with a dash follows an equals sign, for example --set=-name. After -- there are no options.",
  ],
};

const commandSection: Section = {
  title: "Commands",
  items: Object.entries(commandSummaries).map(([name, text]) => ({ names: [name], text: `${text}.` })),
};

const afterOptions: readonly Section[] = [
  {
    title: "Environment",
    items: Object.values(variables).map(({ name, details }) => ({ names: [name], text: details })),
  },
  {
    title: "Signals",
    items: [
      {
        names: ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM", "SIGXCPU"],
        text: "Print the remaining commands and a summary, and stop. A second signal does not wait for the reader of stdout. If a service manager runs mine, SIGHUP opens the files of the outputs again.",
      },
      { names: ["SIGUSR1"], text: "Print the numbers of seen, lost and truncated events so far to stderr." },
    ],
  },
  {
    title: "Exit status",
    items: [
      { names: ["0"], text: "Success. A reader that closes stdout is a normal end." },
      { names: ["1"], text: "An error during the run." },
      { names: ["2"], text: "A wrong option, argument or variable." },
      { names: ["3"], text: "This host cannot run mine. stderr has the reason and a hint." },
    ],
  },
  {
    title: "Examples",
    items: [
      { names: ["mine"], text: "Show every ipset command until Ctrl-C." },
      {
        names: ["mine --command create,destroy --failed"],
        text: "Show sets that could not be created or destroyed.",
      },
      { names: ["mine -o json --duration 3600 >ipset.jsonl"], text: "Record one hour as JSON." },
      { names: ["mine doctor"], text: "Show whether mine works on this host, and why not." },
      {
        names: ["mine btf -o vmlinux-4.15.0-213-generic"],
        text: "Find the offsets of a kernel without BTF once, for this host and for others with the same kernel.",
      },
      { names: ["mine install"], text: "Install the service; systemctl enable --now mine starts it." },
      { names: ["mine --generate man | man -l -"], text: "Read the man page." },
      {
        names: ["mine --generate complete-bash >/etc/bash_completion.d/mine"],
        text: "Install the completion of bash.",
      },
    ],
  },
];

/** Returns all sections; with a command, only the options of that command. */
export function sections(command?: CommandName): Section[] {
  const optionSections = optionGroups(command).map(({ title, names }) => ({
    title,
    items: names.map((name) => ({
      names: spellings(name),
      value: rows[name].value,
      text: [rows[name].details, ...wordSentences(name)].join(" "),
    })),
  }));
  return [description, commandSection, ...optionSections, ...afterOptions];
}

/** Groups the options by the commands that take them. */
export function optionGroups(command?: CommandName): { title: string; names: OptionName[] }[] {
  const every = Object.keys(commandSummaries).join(" and ");
  const groups = Map.groupBy(optionNames, (name) => rows[name].commands.join(" and "));
  return [...groups]
    .map(([takers, names]) => ({ title: `Options of ${takers === every ? "every command" : takers}`, names }))
    .filter(({ names }) => names.some((name) => !command || rows[name].commands.includes(command)));
}

function wordSentences(name: OptionName): string[] {
  const { value, words, default: fallback } = rows[name];
  return [
    ...(words ? [`${value} is one of ${words.join(", ")}.`] : []),
    ...(fallback ? [`The default is ${fallback}.`] : []),
  ];
}
