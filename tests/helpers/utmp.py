"""Records of utmp(5), as sysvinit writes the runlevel."""

from __future__ import annotations

import os
import struct


def record(kind: int, level: str, when: float) -> bytes:
    """Return a record of utmp(5): its kind, and the level's letter in the place of a pid."""
    wide = os.uname().machine in {"aarch64", "riscv64", "loongarch64"}
    line = struct.pack("=hxxi32s4s32s256shh", kind, ord(level) + 256 * ord("5"), b"~", b"~~", b"runlevel", b"", 0, 0)
    times = struct.pack("=qqq", 0, int(when), 0) if wide else struct.pack("=iii", 0, int(when), 0)
    return (line + times).ljust(400 if wide else 384, b"\0")
