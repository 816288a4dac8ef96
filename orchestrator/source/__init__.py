"""Lean files as their owners wrote them: text, commands, modules, the project, the owner's rules; and edits to them."""
