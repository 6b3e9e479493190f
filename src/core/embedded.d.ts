// Files that the compiled binary carries: importing one gives its path.
declare module "*.so" {
  const path: string;
  export default path;
}
