"""A repository's goals, the gate and the marketplace as functions that agents and programs call."""
