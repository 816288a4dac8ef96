"""Repositories: checkout, modules, candidate goals."""
