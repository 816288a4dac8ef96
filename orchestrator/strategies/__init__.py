"""How a goal is attacked: a folder (or a file) for each strategy."""
