"""Proves the sorries of Lean 4 repositories while you sleep, and hands back a verified patch."""

__version__ = "0.1.0"
