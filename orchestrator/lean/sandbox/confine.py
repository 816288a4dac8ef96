"""Starts a program inside the walls that this system offers, and becomes it:

    python -I confine.py --read=PATH… --write=PATH… [--no-network] [--limit=NAME:VALUE…] -- PROGRAM ARGUMENT…

Walls that the system does not have are left out without a word; `walls` says which there are (`orchestrator lean
doctor` shows it). Standard library only: it runs before any environment is set up.

- Resource limits (POSIX): size of files written, processor seconds, open files, no core dumps. No limit of address
  space: V8 reserves hundreds of gigabytes that it never uses; resident memory is watched from outside instead.
- No new privileges and no capabilities (Linux): set-uid programs give nothing, and root is a user like any other.
- Network namespace, inside a user namespace of its own where that is allowed: no interface but a loopback that is down.
- Landlock (Linux 5.13): reads only below the given paths, writes only below the others, whatever the program does.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import struct
import sys
from collections.abc import Iterable, Sequence

_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
# linux/landlock.h: execute, write_file, read_file, read_dir, then what changes folders; later versions add more.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_RIGHTS_NOW = (1 << 16) - 1
_NETWORK_RIGHTS = 3  # bind and connect of TCP, from version 4 on
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_LIMITS = {
    "file-size": resource.RLIMIT_FSIZE,
    "cpu-seconds": resource.RLIMIT_CPU,
    "open-files": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
}


def landlock_version() -> int:
    """The version of Landlock here, 0 when there is none."""
    if sys.platform != "linux":
        return 0
    version = _library().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    return max(0, int(version))


def can_leave_network() -> bool:
    """Whether a process here may take itself off the network; tried in a child."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        try:
            leave_network()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def limit(limits: Iterable[tuple[str, int]]) -> None:
    """Set resource limits by name; one that is stricter already stays."""
    for name, value in limits:
        kind = _LIMITS[name]
        _, hard = resource.getrlimit(kind)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


def leave_network() -> None:
    """Move this process to a network of its own."""
    libc = _library()
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        return
    # As bytes: Python would read its codec from a library that this process may have lost the right to see.
    for name, text in (
        ("setgroups", b"deny"),
        ("uid_map", b"%d %d 1" % (user, user)),
        ("gid_map", b"%d %d 1" % (group, group)),
    ):
        handle = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(handle, text)
        finally:
            os.close(handle)


def drop_capabilities() -> None:
    """Root inside the walls is a user like any other: what is executed next gets no capability."""
    for number in range(64):
        if _library().prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            return  # behind the last one there is, or we have none to drop


def restrict(read: Sequence[str], write: Sequence[str], *, network: bool = False) -> bool:
    """Landlock: from now on only what lies below these paths can be read (and executed) or written.

    Without `network` no TCP either, from version 4 on.

    False when the system has no Landlock. A path that does not exist is left out. Raises OSError: the system refused.
    """
    version = landlock_version()
    if not version:
        return False
    libc = _library()
    rights = _RIGHTS_BY_VERSION.get(version, _RIGHTS_NOW)
    closed = _NETWORK_RIGHTS if version >= 4 and not network else 0
    attributes = struct.pack("=QQ", rights, closed)[: 16 if version >= 4 else 8]
    rules = int(libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    reading = _EXECUTE | _READ_FILE | _READ_DIR
    for paths, allowed in ((read, reading), (write, rights)):
        for path in paths:
            _allow(libc, rules, path, allowed & rights)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, rules, 0):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(rules)
    return True


def _allow(libc: ctypes.CDLL, rules: int, path: str, allowed: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
            return
        raise
    try:
        if not os.path.isdir(path):
            allowed &= _OF_FILES
        rule = struct.pack("=Qi", allowed, handle)
        if libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0):
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(handle)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main(words: Sequence[str]) -> None:
    """Put up the walls, and become the program."""
    end = words.index("--")
    given: dict[str, list[str]] = {"read": [], "write": [], "limit": [], "no-network": []}
    for word in words[:end]:
        name, _, value = word.removeprefix("--").partition("=")
        given[name].append(value)
    if sys.platform == "linux":
        _library().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if given["no-network"]:
            # Said by `doctor`; Landlock keeps TCP away from version 4 on.
            with contextlib.suppress(OSError):
                leave_network()
        restrict(given["read"], given["write"], network=not given["no-network"])
        drop_capabilities()
    limit((name, int(value)) for name, _, value in (word.partition(":") for word in given["limit"]))
    program = list(words[end + 1 :])
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
