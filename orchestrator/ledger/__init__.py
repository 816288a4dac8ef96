"""What is remembered: every goal, attempt, run and ticket, in SQLite or PostgreSQL."""
