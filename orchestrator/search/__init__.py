"""Best-first proof search: a tree of proof states, a frontier, generators of tactics, and the loop. Pure."""
