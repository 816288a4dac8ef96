"""The Lean that comes from package registries: WebAssembly in Node, installed once, then a session as any other."""
