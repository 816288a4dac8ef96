"""Proves the sorries of Lean 4 repositories while you sleep, and hands back a verified patch."""

from __future__ import annotations

__version__ = "0.1.0"
