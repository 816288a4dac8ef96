"""Prefect blocks: declarations of what is worked on, how, and where secrets are."""
