"""What a project's blueprint claims, what of it is true, and the edits that make it so."""
