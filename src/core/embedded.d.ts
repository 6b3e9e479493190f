// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Files embedded in the compiled binary. An import of one gives its path.
declare module "*.so" {
  const path: string;
  export default path;
}
