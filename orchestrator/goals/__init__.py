"""What a goal is, what an attempt came to, what Lean says of a declaration, and when two goals are the same."""
