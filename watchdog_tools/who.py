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
    "catatonit", "screen", "tmux", "nrpe", "check_by_ssh", "check_nrpe", "check_ssh", "kubectl", "oc",
    "crictl", "ctr", "nerdctl", "runc", "crun", "lxc-attach", "machinectl", "docker-compose", "autossh",
    "sshpass", "mosh", "pssh", "pdsh", "clush", "ansible", "ansible-playbook", "salt", "salt-call",
    "salt-ssh", "pkexec", "run0", "uv", "uvx", "pipx", "poetry", "pipenv", "make", "bwrap", "firejail",
    "fakeroot", "faketime", "eatmydata", "numactl", "daemonize", "start-stop-daemon", "zabbix_get",
})  # fmt: skip

# Programs of many names: which one it is, argv[0] says, or the first argument.
_APPLETS = frozenset({"busybox", "toybox"})

_BRACKETS = "[]()"  # about a title, or its first word

_PUNCTUATION = str.maketrans(dict.fromkeys(";|&()<>{}'\"`$=\n\t", " "))


def base(path: str) -> str:
    """Return the last component of a path."""
    return path.rpartition("/")[2]


def family(program: str) -> str:
    """Return `python` for `/usr/bin/python3.11`, `bash` for the login shell `-bash`."""
    return base(program).lstrip("-").rstrip("0123456789.")


def own_names(first: str, exe: str = "") -> tuple[str, ...]:
    """Return the names that argv[0] gives: its whole basename, and its first word where it is a title.

    Daemons rewrite it (`nginx: master process …`, `sshd: root@pts/0`, `[celeryd: celery@host:MainProcess]`). A
    title may name a path that it is not, `backup of /etc/nginx`: its last word is no name.
    """
    head, colon, _ = first.partition(": ")
    if colon and "/" not in head and " " not in head:
        return (head.lstrip(_BRACKETS),)
    whole = base(first).removeprefix("-")  # a login shell is `-bash`
    if " " not in first:
        bare = whole.strip(_BRACKETS)  # `(sd-pam)`, `(squid-1)`
        return (whole, bare) if bare and bare != whole else (whole,)
    lead = base(first.partition(" ")[0]).rstrip(":").strip(_BRACKETS)
    slash = first.find("/", first.index(" "))
    if slash < 0 or (first[0] == "/" and exe.startswith(first[: slash + 1])):  # /opt/My App/bin/agent
        return (whole, lead)
    return (lead,)


def named(name: str, argv: list[str], exe: str = "", *, shell: bool = True) -> bool:
    """Whether a process is called `name`: by its exe, by argv[0], by its script or module.

    shell: a shell's script counts as well.
    """
    if exe and base(exe) == name:
        return True
    if not argv:
        return False
    argv = _applet(argv)
    return name in own_names(argv[0], exe) or name in _scripts(argv, exe, shell=shell)


def names(argv: list[str], exe: str = "") -> set[str]:
    """Return all that a process is called."""
    found = {base(exe)}
    if argv:
        found.update(own_names(argv[0]))
        argv = _applet(argv)
        found.update(own_names(argv[0], exe), _scripts(argv, exe))
    return found - {""}


def ours(argv: list[str]) -> str:
    """Return which of our own commands a process runs, or empty."""
    if not argv or family(argv[0]) != "python":
        return ""
    return next((name for name in _scripts(argv, "") if name in OURS), "")


def carries(argv: list[str]) -> bool:
    """Whether this is a shell, cron, timeout … or code with one of our command lines in its arguments."""
    words = " ".join(argv).translate(_PUNCTUATION).split()
    if not any(base(word) in OURS for word in words):
        return False
    return bool(WRAPPERS.intersection((*names(argv), base(argv[0]).lower()))) or _is_code(argv)


def counts(wanted: Wanted, process: Process, own: Container[int], above: Container[int]) -> bool:
    """Whether a process that matched counts. own: our own chain of processes; above: all ancestors.

    An ancestor does where it matched by name (`check-process cron` from cron), not where it
    matched by its arguments: there our own words stand. Nor where the name is that of a shell's
    script: `/etc/init.d/nginx status` asks for nginx, and is it not.
    """
    if process.pid in own:
        return False
    if not wanted.filters():  # all are asked for
        return True
    argv = process.argv
    if process.pid in above and (wanted.by_words() or _asks(wanted, process)):
        return False
    if wanted.by_words() and carries(argv):
        return False
    return ours(argv) in ("", wanted.name)


def _asks(wanted: Wanted, process: Process) -> bool:
    """Whether an ancestor has the name only as a shell's script; a pidfile tells for certain who it is."""
    if not wanted.name or wanted.pidfile is not None:
        return False
    return not named(wanted.name, process.argv, process.exe or "", shell=False)


def _applet(argv: list[str]) -> list[str]:
    """Return the arguments of a multi-call program as those of the applet: `busybox tail -f x`."""
    return argv[1:] if len(argv) > 1 and base(argv[0]) in _APPLETS else argv


def _scripts(argv: list[str], exe: str, *, shell: bool = True) -> list[str]:
    """Return what it runs as an interpreter, by argv[0] or else by its exe."""
    from watchdog_tools.interpreters import SHELLS, script  # most daemons are none

    return [
        base(script(program, argv[1:]))
        for program in (argv[0], exe)
        if program and (shell or family(program) not in SHELLS)
    ]


def _is_code(argv: list[str]) -> bool:
    """Whether this is an interpreter that runs no script, but code: `perl -e`, `python -c`."""
    from watchdog_tools.interpreters import known, script

    return known(argv[0]) and not script(argv[0], argv[1:])
