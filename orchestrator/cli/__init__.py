"""The commands: one file for each group, registered in `orchestrator.main`."""
