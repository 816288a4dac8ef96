"""The event loop whose clock jumps, which the benches use as well."""

from bench.virtual_time import JumpingSelector, VirtualTimeLoop, now, run

__all__ = ["JumpingSelector", "VirtualTimeLoop", "now", "run"]
