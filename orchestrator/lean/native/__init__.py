"""The user's own Lean (elan, Lake), through the community REPL."""
