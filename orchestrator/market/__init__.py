"""The parts of the lemma marketplace: statements, what Lean says of them, who asks and who supplies."""
