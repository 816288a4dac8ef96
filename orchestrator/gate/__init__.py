"""Whether a proof is allowed in."""
