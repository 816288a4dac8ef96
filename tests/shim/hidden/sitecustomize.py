"""On the path of a Python process, it makes the libraries named in HIDDEN_LIBRARIES look as if not installed."""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

HIDDEN = frozenset(filter(None, os.environ.get("HIDDEN_LIBRARIES", "").split(",")))


class Hiding(PathFinder):
    """Finds everything but what is hidden."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder.find_spec`."""
        return None if fullname.partition(".")[0] in HIDDEN else PathFinder.find_spec(fullname, path, target)


sys.meta_path = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
