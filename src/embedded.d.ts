// Files that are embedded as they are: what is imported is a path.
declare module "*.so" {
  const path: string;
  export default path;
}
declare module "*.bpf.o" {
  const path: string;
  export default path;
}
