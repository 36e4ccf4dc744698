"""Programs that testify: by a lock of their own, a journal of intervals on the boot clock, and a beat while they work.

They know nothing of who keeps them, but write down whose run it was that ended one of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The environment of a run says for whom it is made; its forks, which signal, inherit that.
FOR = "OUTSIDE_RUN"

# ID ROOM [--unix PATH | --tcp PORT] [--blank] [--stubborn SECONDS] [--workers|--programs|--jobs ID,ID] [--loose]: a
# service. `two` is written by one that finds another of its own alive; a loose one may have others beside it.
# --stubborn: so long it goes on after a first TERM. --workers: as nginx's, with an empty environment, in its session;
# --programs: as supervisord's, each in a process group of its own; both are started again and end with it.
# --jobs: as cron's or tmux's, which live on without it: one in a session of its own, the other with no environment.
_SERVICE = """
import fcntl, os, signal, socket, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
name, room, *options = sys.argv[1:]
now = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)

def write(word, *more):
    line = " ".join(map(str, (word, name, os.getpid(), f"{now():.3f}", *more)))
    os.write(journal, line.encode() + b"\\n")

def read(pid, what):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read().split(b"\\0")
    except OSError:
        return []

def sender(pid):
    made = [line.partition(b"=")[2] for line in read(pid, "environ") if line.startswith(b"OUTSIDE_RUN=")]
    tools = [word.rpartition(b"/")[2] for word in read(pid, "cmdline")[:3]]
    tool = next((word for word in tools if word in (b"ensure-running", b"watchdog-tools")), b"?")
    return pid, (made[0] if made else b"?").decode(), tool.decode()

def listen():
    if "--unix" in options:
        path = options[options.index("--unix") + 1]
        if os.path.exists(path):
            os.unlink(path)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
    elif "--tcp" in options:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(options[options.index("--tcp") + 1])))
    else:
        return None
    server.listen(64)
    server.setblocking(False)
    return server

def answer(server):
    while True:
        try:
            client = server.accept()[0]
        except BlockingIOError:
            return
        try:
            client.settimeout(0.2)
            if server.family == socket.AF_INET:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        except OSError:
            pass
        client.close()

def begin(how, member):
    pid = os.fork()
    if pid:
        return pid
    bare = how == "--workers" or how == "--jobs" and member.endswith("2")
    if how == "--programs":
        os.setpgid(0, 0)
    if how == "--jobs" and not bare:
        os.setsid()
    loose = ["--loose"] if how == "--jobs" else []
    os.execve(sys.argv[0], [sys.argv[0], member, room, *loose], {} if bare else os.environ)

def look_after(children):
    for pid, (how, member) in list(children.items()):
        if os.waitpid(pid, os.WNOHANG)[0]:
            del children[pid]
            if how != "--jobs":
                children[begin(how, member)] = how, member

def farewell(children):
    # at most a second, as nginx gives its workers
    due = [pid for pid, (how, _) in children.items() if how != "--jobs"]
    for pid in due:
        os.kill(pid, signal.SIGTERM)
    until = now() + 1.0
    while due and now() < until:
        due = [pid for pid in due if not os.waitpid(pid, os.WNOHANG)[0]]
        time.sleep(0.02)

if "--blank" in options:
    fields = open("/proc/self/stat", "rb").read().rpartition(b")")[2].split()
    first, last = int(fields[47]), int(fields[48])
    memory = os.open("/proc/self/mem", os.O_RDWR)
    os.pwrite(memory, bytes(last - first), first)
    os.close(memory)
journal = os.open(f"{room}/journal", os.O_WRONLY | os.O_APPEND)
if "--loose" not in options:
    lock = os.open(f"{room}/{name}.held", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        write("two")
        sys.exit(0)
write("begin", os.getppid())
beats = os.open(f"{room}/{name}.beat", os.O_WRONLY | os.O_CREAT, 0o644)
how = next((word for word in ("--workers", "--programs", "--jobs") if word in options), "")
members = options[options.index(how) + 1].split(",") if how else []
children = {begin(how, member): (how, member) for member in members}
patience = float(options[options.index("--stubborn") + 1]) if "--stubborn" in options else 0.0
server, last, leaves = listen(), 0.0, 0.0
while not leaves or now() < leaves:
    look_after(children)
    if now() - last > 0.2:
        last = now()
        os.pwrite(beats, f"{last:17.3f}\\n".encode(), 0)
    told = signal.sigtimedwait({signal.SIGTERM}, 0.02 if server else 0.2)
    if told and told.si_signo == signal.SIGTERM:  # who was stopped over the timeout is told garbage
        write("term", *sender(told.si_pid))
        leaves = leaves or now() + patience
    if server:
        answer(server)
farewell(children)
"""

# CODE COMMAND…: it forks away in its first instruction, and ends with CODE.
_AWAY = 'code=$1; shift\nsetsid "$@" </dev/null >/dev/null 2>&1 &\nexit "$code"\n'

# PIDFILE COMMAND…: a start script that waits for what it has started, and writes that one's pid.
_SCRIPT = 'pidfile=$1; shift\nrm -f "$pidfile"\n"$@" &\necho $! >"$pidfile"\nwait\n'

# NAME VARIABLE=VALUE…: a stranger with that name, and with these variables, where @ stands for its pid and ticks.
_FORGER = """
import os, sys
name, *variables = sys.argv[1:]
ticks = open("/proc/self/stat", "rb").read().rpartition(b")")[2].split()[19].decode()
own = dict(each.replace("@", f"{os.getpid()}:{ticks}", 1).split("=", 1) for each in variables)
command = [sys.executable, "-ISc", "import time; time.sleep(86400)"] if own else [name, "86400"]
os.execve(sys.executable if own else "/bin/sleep", command, {"PATH": "/usr/bin:/bin", **own})
"""


def install(place: Path, names: list[str]) -> None:
    """Write the programs to `place`: a service of each name, `away`, `standalone` and `forger`."""
    place.mkdir(mode=0o755)
    python = f"#!{sys.executable} -IS"
    for name in names:
        _write(place / name, python + _SERVICE)
    _write(place / "away", "#!/bin/sh\n" + _AWAY)
    _write(place / "standalone", "#!/bin/sh\n" + _SCRIPT)
    _write(place / "forger", python + _FORGER)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
