"""Proofs as commits, a branch, a pull request."""
