"""How we talk to Lean: one protocol, and the sessions, servers and sandboxes behind it."""
