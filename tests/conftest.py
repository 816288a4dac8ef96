"""What holds for all tests."""

import os

from hypothesis import settings

# Whole runs over the examples leave goals open, on each of which a search would spend all of its minute.
os.environ.setdefault("ORCH_TIMEOUT_REPROVER", "2")

# How long an example takes says more about the machine than about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
