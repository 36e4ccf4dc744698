"""A static program that says when its first instruction ran, and the socket that hears it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# No C library, so that no start-up of its own lies before the clock. The socket makes the kernel say who speaks, with
# the pid as the listener sees it, also out of a container. It then sleeps, whatever became of its word.
SOURCE = r"""
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#define CALL(n, a, b, c, d, e, f) ({ long r = n; \
  register long x asm("rdi") = (long)(a), y asm("rsi") = (long)(b), z asm("rdx") = (long)(c); \
  register long u asm("r10") = (long)(d), v asm("r8") = (long)(e), w asm("r9") = (long)(f); \
  asm volatile("syscall" : "+a"(r) : "r"(x), "r"(y), "r"(z), "r"(u), "r"(v), "r"(w) : "rcx", "r11", "memory"); r; })
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#define CALL(n, a, b, c, d, e, f) ({ register long s asm("x8") = n; \
  register long x asm("x0") = (long)(a), y asm("x1") = (long)(b), z asm("x2") = (long)(c); \
  register long u asm("x3") = (long)(d), v asm("x4") = (long)(e), w asm("x5") = (long)(f); \
  asm volatile("svc 0" : "+r"(x) : "r"(s), "r"(y), "r"(z), "r"(u), "r"(v), "r"(w) : "memory"); x; })
#else
#error no start code for this machine
#endif
void begin(long *stack) {
  struct timespec now;
  CALL(SYS_clock_gettime, CLOCK_MONOTONIC, &now, 0, 0, 0, 0);
  struct sockaddr_un to;
  to.sun_family = AF_UNIX;
  char *path = (char *)stack[2];
  for (int i = 0; i < (int)sizeof to.sun_path && stack[0] > 1; i++)
    if (!(to.sun_path[i] = path[i])) break;
  int fd = CALL(SYS_socket, AF_UNIX, SOCK_DGRAM, 0, 0, 0, 0);
  CALL(SYS_sendto, fd, &now, sizeof now, 0, &to, sizeof to);
  CALL(SYS_close, fd, 0, 0, 0, 0, 0);
  for (;;) CALL(SYS_ppoll, 0, 0, 0, 0, 0, 0);
}
"""


def build(place: Path) -> Path:
    """Compile the program into `place`; its one argument is the path of a socket. Exits without a compiler."""
    compiler, source, program = shutil.which("cc"), place / "stamp.c", place / "stamp"
    if compiler is None:
        sys.exit("scripts/bench: cc is not installed")
    source.write_text(SOURCE)
    options = ["-static", "-nostdlib", "-O1", "-ffreestanding", "-fno-stack-protector"]
    done = subprocess.run([compiler, *options, "-o", program, source], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"scripts/bench: cc: {done.stderr}")
    return program


@dataclass(frozen=True)
class Begun:
    """An instance: its pid as we see it, and its first instruction in nanoseconds of CLOCK_MONOTONIC."""

    pid: int
    at: int


class StartTimes:
    """Where instances report. They queue here, so that nobody must look while they start."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`, which is at most 107 bytes long."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(str(path))

    def next(self, seconds: float) -> Begun | None:
        """Return the next instance, None if none begins within `seconds`; sleeps in the kernel until then."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            stamp, extra, _, _ = self._socket.recvmsg(16, 64)
        except TimeoutError:
            return None
        (pid,) = struct.unpack_from("i", extra[0][2])
        seconds_, nanoseconds = struct.unpack("qq", stamp)
        return Begun(pid, seconds_ * 10**9 + nanoseconds)

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def kill(begun: Begun) -> int:
    """Kill an instance, which must live; return the nanoseconds of CLOCK_MONOTONIC just before."""
    descriptor = os.pidfd_open(begun.pid)
    try:
        before = time.monotonic_ns()
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    finally:
        os.close(descriptor)
    return before
