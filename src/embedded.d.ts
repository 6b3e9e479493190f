// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Files that the compiled binary embeds: an import returns the path. src/core declares its own.
declare module "*.bpf.o" {
  const path: string;
  export default path;
}

declare module "*.service" {
  const text: string;
  export default text;
}

declare module "*.conf" {
  const text: string;
  export default text;
}
