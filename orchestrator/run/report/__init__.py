"""What a run hands back to people and programs."""
