"""Words: what a process is called, and who never counts: ourselves and whoever merely carries our words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from watchdog_tools.facts import Process
    from watchdog_tools.processes import Wanted

OURS = frozenset({
    "check-process", "check-port", "check-http", "check-heartbeat", "ensure-running",
    "cron-guard", "sd-watchdog", "watchdog-tools",
})  # fmt: skip

# What runs another command line that stands in its own arguments, and so would match its words.
WRAPPERS = frozenset({
    "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox", "cron", "crond",
    "anacron", "run-parts", "at", "atd", "timeout", "flock", "sudo", "doas", "su", "runuser",
    "setpriv", "gosu", "su-exec", "chpst", "env", "nice", "ionice", "chrt", "taskset", "prlimit",
    "nohup", "setsid", "stdbuf", "unbuffer", "script", "chronic", "xargs", "parallel", "time",
    "watch", "entr", "strace", "ltrace", "valgrind", "hyperfine", "systemd-run", "systemd-cat",
    "docker", "podman", "nsenter", "unshare", "chroot", "ssh", "sshd", "tini", "dumb-init",
    "catatonit", "screen", "tmux", "nrpe",
})  # fmt: skip

_PUNCTUATION = str.maketrans(dict.fromkeys(";|&()<>{}'\"`$=\n\t", " "))


def base(path: str) -> str:
    """Return the last component of a path."""
    return path.rpartition("/")[2]


def family(program: str) -> str:
    """Return `python` for `/usr/bin/python3.11`, `bash` for the login shell `-bash`."""
    return base(program).lstrip("-").rstrip("0123456789.")


def own_names(first: str) -> tuple[str, ...]:
    """Return the names that argv[0] gives: its whole basename, and its first word where it is a title.

    Daemons rewrite it (`nginx: master process …`, `sshd: root@pts/0`, `postgres: checkpointer`).
    """
    head, colon, _ = first.partition(": ")
    if colon and "/" not in head and " " not in head:
        return (head,)
    whole = base(first).removeprefix("-")  # a login shell is `-bash`
    if " " in first:
        return (whole, base(first.partition(" ")[0]).rstrip(":"))
    return (whole,)


def named(name: str, argv: list[str], exe: str = "") -> bool:
    """Whether a process is called `name`: by its exe, by argv[0], by its script or module."""
    if exe and base(exe) == name:
        return True
    return bool(argv) and (name in own_names(argv[0]) or name in _scripts(argv, exe))


def names(argv: list[str], exe: str = "") -> set[str]:
    """Return all that a process is called."""
    found = {base(exe)}
    if argv:
        found.update(own_names(argv[0]), _scripts(argv, exe))
    return found - {""}


def ours(argv: list[str]) -> str:
    """Return which of our own commands a process runs, or empty."""
    if not argv or family(argv[0]) != "python":
        return ""
    return next((name for name in _scripts(argv, "") if name in OURS), "")


def carries(argv: list[str]) -> bool:
    """Whether this is a shell, cron, timeout … with one of our command lines in its arguments."""
    if not argv or not WRAPPERS.intersection((*own_names(argv[0]), base(argv[0]).lower())):
        return False
    words = " ".join(argv).translate(_PUNCTUATION).split()
    return any(base(word) in OURS for word in words)


def counts(wanted: Wanted, process: Process, own: Container[int], above: Container[int]) -> bool:
    """Whether a process that matched counts. own: our own chain of processes; above: all ancestors.

    An ancestor does where it matched by name (`check-process cron` from cron), not where it
    matched by its arguments: there our own words stand.
    """
    if process.pid in own:
        return False
    argv = process.argv
    if wanted.by_words() and process.pid in above:
        return False
    if (wanted.by_words() or not wanted.by_name()) and carries(argv):
        return False
    return ours(argv) in ("", wanted.name)


def _scripts(argv: list[str], exe: str) -> list[str]:
    """Return what it runs as an interpreter, by argv[0] or else by its exe."""
    from watchdog_tools.interpreters import script  # most daemons are none

    return [base(script(program, argv[1:])) for program in (argv[0], exe) if program]
