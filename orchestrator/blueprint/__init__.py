"""Blueprints: what is claimed, and what is true."""
