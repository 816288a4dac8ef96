"""Lean processes and how we talk to them."""
