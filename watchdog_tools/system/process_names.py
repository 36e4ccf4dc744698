"""What a process is called, and which never count: our own, and those with our command line in their arguments."""

from __future__ import annotations

from watchdog_tools import COMMANDS

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


def basename(path: str) -> str:
    """Return the last component of a path."""
    return path.rpartition("/")[2]


def unversioned(program: str) -> str:
    """Return `python` for `/usr/bin/python3.11`, `bash` for the login shell `-bash`."""
    return basename(program).lstrip("-").rstrip("0123456789.")


def argv0_names(first: str, exe: str = "") -> tuple[str, ...]:
    """Return the names that argv[0] gives: its whole basename, and its first word where it is a title.

    Daemons rewrite it (`nginx: master process …`, `sshd: root@pts/0`, `[celeryd: celery@host:MainProcess]`). A
    title may name a path that it is not, `backup of /etc/nginx`: its last word is no name.
    """
    head, colon, _ = first.partition(": ")
    if colon and "/" not in head and " " not in head:
        return (head.lstrip(_BRACKETS),)
    whole = basename(first).removeprefix("-")  # a login shell is `-bash`
    if " " not in first:
        bare = whole.strip(_BRACKETS)  # `(sd-pam)`, `(squid-1)`
        return (whole, bare) if bare and bare != whole else (whole,)
    first_word = basename(first.partition(" ")[0]).rstrip(":").strip(_BRACKETS)
    slash = first.find("/", first.index(" "))
    if slash < 0 or (first[0] == "/" and exe.startswith(first[: slash + 1])):  # /opt/My App/bin/agent
        return (whole, first_word)
    return (first_word,)


def is_named(name: str, argv: list[str], exe: str = "", *, shell: bool = True) -> bool:
    """Whether a process is called `name`: by its exe, by argv[0], by its script or module.

    shell: a shell's script counts as well.
    """
    if exe and basename(exe) == name:
        return True
    if not argv:
        return False
    argv = _applet_argv(argv)
    return name in argv0_names(argv[0], exe) or name in _script_names(argv, exe, shell=shell)


def all_names(argv: list[str], exe: str = "") -> set[str]:
    """Return all that a process is called."""
    found = {basename(exe)}
    if argv:
        found.update(argv0_names(argv[0]))
        argv = _applet_argv(argv)
        found.update(argv0_names(argv[0], exe), _script_names(argv, exe))
    return found - {""}


def own_command(argv: list[str]) -> str:
    """Return which of our own commands a process runs, or empty."""
    if not argv or unversioned(argv[0]) != "python":
        return ""
    return next((name for name in _script_names(argv, "") if name in COMMANDS), "")


def mentions_own_command(argv: list[str]) -> bool:
    """Whether this is a shell, cron, timeout … or code with one of our command lines in its arguments."""
    words = " ".join(argv).translate(_PUNCTUATION).split()
    if not any(basename(word) in COMMANDS for word in words):
        return False
    return bool(WRAPPERS.intersection((*all_names(argv), basename(argv[0]).lower()))) or _runs_code(argv)


def _applet_argv(argv: list[str]) -> list[str]:
    """Return the arguments of a multi-call program as those of the applet: `busybox tail -f x`."""
    return argv[1:] if len(argv) > 1 and basename(argv[0]) in _APPLETS else argv


def _script_names(argv: list[str], exe: str, *, shell: bool = True) -> list[str]:
    """Return what it runs as an interpreter, by argv[0] or else by its exe."""
    from watchdog_tools.system.interpreters import SHELLS, script  # most daemons are none

    return [
        basename(script(unversioned(program), argv[1:]))
        for program in (argv[0], exe)
        if program and (shell or unversioned(program) not in SHELLS)
    ]


def _runs_code(argv: list[str]) -> bool:
    """Whether this is an interpreter that runs no script, but code: `perl -e`, `python -c`."""
    from watchdog_tools.system.interpreters import is_interpreter, script

    program = unversioned(argv[0])
    return is_interpreter(program) and not script(program, argv[1:])
