"""A small disk in a mount namespace of its own, to be frozen: who writes to it waits in D, and no signal ends that.

unshare -m python frozen_disk.py IMAGE DIRECTORY     a file system of its own in IMAGE, frozen as `fsfreeze` does
unshare -m python frozen_disk.py - DIRECTORY         one that answers no question about what is in it (FUSE)

It says `ready`; each line `freeze` or `thaw` on its standard input is answered by the same word. At the end of that,
however its caller ended, it thaws and unmounts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from network_disk import GETATTR, INIT, READ, REQUEST, answer, mount

ACCESS = 34
FREEZE, THAW, DETACH = 0xC0045877, 0xC0045878, 2  # FIFREEZE, FITHAW, MNT_DETACH


def main(image: str, directory: str) -> None:
    """Mount it, and serve orders until their end."""
    if image == "-":
        dead(directory)
        return
    with Path(image).open("wb") as file:
        file.truncate(16 << 20)
    quietly("mkfs.ext4", "-q", "-F", "-O", "^has_journal", image)
    quietly("mount", "-o", "loop", image, directory)
    Path(directory).chmod(0o700)
    mounted = os.open(directory, os.O_RDONLY)
    say("ready")
    try:
        for order in map(str.strip, sys.stdin):
            fcntl.ioctl(mounted, FREEZE if order == "freeze" else THAW, 0)
            say(order)
    finally:  # by no other program: who is frozen stays so for ever if none can be forked, and nobody sees it any more
        with contextlib.suppress(OSError):
            fcntl.ioctl(mounted, THAW, 0)
        os.close(mounted)
        ctypes.CDLL(None).umount2(os.fsencode(directory), DETACH)


def dead(directory: str) -> None:
    """Serve a directory of which nothing is known but that it is there, until our caller goes."""
    device = mount(directory, "fuse.dead")
    server = os.fork()
    if not server:
        silent(device)
    os.close(device)
    try:
        say("ready")
        sys.stdin.read()
    finally:  # with it the kernel gives up all that waits
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


def silent(device: int) -> None:
    """Read each request, so that it cannot be taken back, and answer only what a mount needs."""
    while True:
        request = os.read(device, READ)
        _, operation, unique, *_ = REQUEST.unpack_from(request)
        if operation in (INIT, GETATTR):
            answer(device, operation, unique)
        elif operation == ACCESS:
            answer(device, operation, unique, -errno.ENOSYS)


def say(word: str) -> None:
    """Answer our caller."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def quietly(*words: str) -> None:
    """Run a command that has nothing to say but its failure."""
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
