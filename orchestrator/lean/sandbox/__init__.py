"""What a Lean process may touch, and how that is enforced."""
