"""Prefect tasks, one file a stage: they translate arguments and call the domain."""
