"""Which goals are worked on, and why the others are left alone."""
