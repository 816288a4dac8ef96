"""`hammer`: first shots, then a search whose steps end in plain tactic scripts."""
