// Files that the compiled binary carries: importing one gives its path. src/core has its own.
declare module "*.bpf.o" {
  const path: string;
  export default path;
}
