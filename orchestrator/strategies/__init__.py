"""Ways of attacking a goal, one file each."""
