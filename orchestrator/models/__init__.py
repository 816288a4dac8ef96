"""Models: ReProver's retriever and generator, chat models, and their in-memory twins."""
