"""A systemd of its own: a Debian tree, made once, booted in a container that dies with the test.

`python -m helpers.nspawn --build` (from tests/) makes the tree beforehand; WDT_NSPAWN_CACHE says where.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from helpers import cgroups, commands, components
from helpers.commands import Ran

CACHE = Path(os.environ.get("WDT_NSPAWN_CACHE", "/var/cache/watchdog-tools-tests"))
EDITION = 1  # to be raised when PACKAGES change
PACKAGES = ("systemd", "systemd-sysv", "dbus", "cron", "python3")
TOOLS = ("systemd-nspawn", "debootstrap", "nsenter", "unshare", "setpriv")
# systemd-nspawn leaves files in /run/systemd/nspawn: here they are in a mount namespace that ends with it.
# With --keep-unit it makes its cgroups below our own: two of them in one would kill each other's services.
_INNER = f"""
mkdir -p /run/systemd/nspawn && mount -t tmpfs none /run/systemd/nspawn || exit 1
{cgroups.JOIN}
exec systemd-nspawn "$@"
"""
# What is mounted inside: systemd's own hierarchies of version 1, or version 2 alone.
HIERARCHIES = {"legacy": "0", "pure": "1"}


class CannotBuild(Exception):  # noqa: N818 -- a sentence
    """There is no tree, and none can be made; the sentence says why."""


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name` of the cache directory; it ends with the process."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def tree() -> Path:
    """Return the tree's directory; make it if there is none. Raise CannotBuild.

    It is of this machine's own release, as the virtual environment's interpreter is bound into it.
    """
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    whole = CACHE / f"{release}-{EDITION}"
    if whole.is_dir():
        return whole
    with locked("build.lock"):
        if not whole.is_dir():  # who waited finds it made
            for torn in CACHE.glob("*.partial"):
                shutil.rmtree(torn)
            _debootstrap(release, whole)
    return whole


def _debootstrap(release: str, whole: Path) -> None:
    """Make the tree aside, and move it in one step: a half-made one is never used."""
    if os.geteuid() != 0:
        raise CannotBuild("only root can make a tree")
    partial = whole.with_suffix(".partial")
    # a mount namespace of its own: what debootstrap mounts is gone when it ends, however it ends
    argv = ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    try:
        done = subprocess.run(
            [*argv, release, str(partial), *_mirror(release)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False,
            env=_environment(("/usr/sbin", "/usr/bin", "/sbin", "/bin"), DEBIAN_FRONTEND="noninteractive"),
        )  # fmt: skip
    except OSError as error:
        raise CannotBuild(f"debootstrap: {error}") from None
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise CannotBuild(f"debootstrap failed: {done.stdout.decode(errors='replace')[-500:]}")
    for package in partial.glob("var/cache/apt/archives/*.deb"):
        package.unlink()
    partial.rename(whole)


def _mirror(release: str) -> list[str]:
    """Return the mirror that this machine's apt uses for the release; debootstrap has a default of its own."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", f"Codename: {release}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return listed.stdout.split()[:1]
    return []


def _environment(places: tuple[str, ...], **more: str) -> dict[str, str]:
    return {"PATH": ":".join(places), "HOME": "/root", "LC_ALL": "C", **more}


class Machine:
    """A booted systemd. `leader` is the pid, out here, of its process 1; `root` its tree, to read and write."""

    def __init__(self, leader: int) -> None:
        """Take the container whose process 1 is `leader`."""
        self.leader = leader
        self.root = Path(f"/proc/{leader}/root")

    def enter(self, *argv: object) -> list[str]:
        """Return the command line that runs `argv` inside."""
        return ["nsenter", "-t", str(self.leader), "-m", "-p", "-u", "-i", "-n", "-C", "--", *map(str, argv)]

    def run(self, *argv: object, timeout: float = 20, env: dict[str, str] | None = None) -> Ran:
        """Run `argv` inside, with our own commands in PATH, until it ends and closes its output."""
        plain = _environment((str(commands.BIN), "/usr/bin", "/bin"))
        return commands.run(*self.enter(*argv), timeout=timeout, env=plain if env is None else env)

    def systemctl(self, *argv: object, timeout: float = 20) -> Ran:
        """Run systemctl inside."""
        return self.run("systemctl", *argv, timeout=timeout)

    def unit(self, name: str, text: str) -> None:
        """Write a unit's file; `systemctl daemon-reload` is for the caller, after the last of them."""
        (self.root / "etc/systemd/system" / name).write_text(text)


@contextlib.contextmanager
def booted(hierarchy: str = "", *more: Path) -> Iterator[Machine]:
    """Boot a systemd, and end it with all that runs in it. Raise CannotBuild.

    Its tree is an overlay in memory, its network a loopback of its own; the virtual environment, its
    interpreter and the directories `more` are bound in read-only. hierarchy: one of HIERARCHIES; else systemd-nspawn's
    choice. One that does not come up on a machine that is starved is booted once more.
    """
    with contextlib.ExitStack() as stack:
        try:
            machine = stack.enter_context(_booted(hierarchy, *more))
        except (CannotBuild, subprocess.TimeoutExpired):
            machine = stack.enter_context(_booted(hierarchy, *more))
        yield machine


@contextlib.contextmanager
def _booted(hierarchy: str, *more: Path) -> Iterator[Machine]:
    directory = tree()
    chosen = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": HIERARCHIES[hierarchy]} if hierarchy else {}
    with cgroups.made() as groups, tempfile.TemporaryFile() as log:
        binds = [f"--bind-ro={place}" for place in {sys.prefix, sys.base_prefix, *map(str, more)} if place != "/usr"]
        # All of it is below one process 1 of a pid namespace: when that dies, the kernel ends the rest, and
        # it dies with its parent, which dies with us.
        outer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", _INNER, "sh", *groups, "--",
             "--register=no", "--keep-unit", "--quiet", f"--directory={directory}",
             "--volatile=overlay", "--private-network", "--boot", "--console=pipe", *binds],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=_environment(("/usr/sbin", "/usr/bin", "/bin"), **chosen),
        )  # fmt: skip
        try:
            yield _awaited(outer, log.fileno())
        finally:
            _end(outer)


def _awaited(outer: subprocess.Popen[bytes], log: int, seconds: float = 90) -> Machine:
    """Return the machine as soon as its systemd says that it is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and outer.poll() is None:
        leader = _leader(outer.pid)
        if leader:
            machine = Machine(leader)
            if machine.systemctl("is-system-running").out.strip() in ("running", "degraded"):
                return machine
        time.sleep(0.02)
    said = os.pread(log, 2000, 0).decode(errors="replace")
    raise CannotBuild(f"systemd does not come up in systemd-nspawn (exit {outer.poll()}): {said!r}")


def _leader(outer: int) -> int | None:
    """Return the pid of the container's process 1: of unshare's child's children, the one that is 1 to itself."""
    for nspawn in _children(outer):
        for child in _children(nspawn):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{child}/status").read_text()
                numbers = status.partition("NSpid:")[2].partition("\n")[0].split()
                if len(numbers) > 2 and numbers[-1] == "1":
                    return child
    return None


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _end(outer: subprocess.Popen[bytes]) -> None:
    """End unshare's child, the process 1 of all, and wait: a pid namespace's last process goes after the others."""
    for child in _children(outer.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        outer.wait(10)
    outer.kill()
    outer.wait()


def need_tools() -> None:
    """Go on only as root, and where everything is installed."""
    components.only_root("boots a systemd in a container")
    for name in TOOLS:
        components.need(name)


@contextlib.contextmanager
def need_booted(hierarchy: str = "", *more: Path) -> Iterator[Machine]:
    """Boot a systemd for a test; where that is not possible it is skipped, in CI it fails."""
    need_tools()
    with contextlib.ExitStack() as stack:
        try:
            machine = stack.enter_context(booted(hierarchy, *more))
        except CannotBuild as error:
            components.lacking(str(error))
        yield machine


def main() -> None:
    """Make the tree, and print where it is."""
    parser = argparse.ArgumentParser(description="The Debian tree that tests boot in systemd-nspawn.")
    parser.add_argument("--build", action="store_true", required=True, help="make it, if it is not there yet")
    parser.parse_args()
    try:
        print(tree())  # noqa: T201 -- for a person
    except CannotBuild as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
