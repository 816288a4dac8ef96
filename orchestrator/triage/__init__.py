"""What not to spend a night on: what should stay open, what is proved elsewhere, and what looks false."""
