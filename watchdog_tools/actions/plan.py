"""TOUCH, prepared: everything about a start that can be resolved before the fork, since NSS and disks can hang."""

from __future__ import annotations

import os

from watchdog_tools.actions import preflight
from watchdog_tools.system.commands import absent, located
from watchdog_tools.system.proc import read
from watchdog_tools.system.trust import untrusted_log, untrusted_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = (1 << 32) - 1  # the id that system calls read as "leave it"
_KEPT = ("LANG", "LC_ALL", "TZ")  # of the caller's variables with --clean-env
_OURS = ("WATCHDOG_", "LISTEN_")  # prefixes of variables that are about us or our caller
_ALSO = (
    *("NOTIFY_SOCKET", "FDSTORE", "MAINPID", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"),  # its unit
    *("CREDENTIALS_DIRECTORY", "PWD", "OLDPWD", "_", "SHLVL"),  # its unit and its shell
    *("HOOK_NAME", "HOOK_STATE", "HOOK_REASON", "HOOK_ATTEMPT", "HOOK_PID"),  # our caller may be a hook of ours
)


class CannotStart(Exception):  # noqa: N818 -- a fact about the machine, said in one sentence
    """The start command cannot be executed; the sentence says why."""


class Wish:
    """What the user wrote about the start: strings as given, `None` where nothing was said."""

    __slots__ = (
        "argv", "clean", "cwd", "env", "group", "log", "oneshot", "trust_any", "umask", "user",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        argv: tuple[str, ...],
        *,
        clean: bool = False,
        cwd: str = "/",
        env: tuple[tuple[str, str], ...] = (),
        user: str | None = None,
        group: str | None = None,
        log: str | None = None,
        oneshot: bool = False,
        trust_any: bool = False,
        umask: int = 0o022,
    ) -> None:
        """Take the fields as the class describes them."""
        self.argv = argv
        self.clean = clean
        self.cwd = cwd
        self.env = env
        self.user = user
        self.group = group
        self.log = log
        self.oneshot = oneshot
        self.trust_any = trust_any
        self.umask = umask


def other(wish: Wish, argv: tuple[str, ...]) -> Wish:
    """Return the same wish for another command."""
    fields = {key: getattr(wish, key) for key in Wish.__slots__ if key != "argv"}
    return Wish(argv, **fields)


class Plan:
    """A start that can be carried out by system calls alone.

    identity: (uid, gid, supplementary gids) to become, None to stay who we are.
    """

    __slots__ = ("env", "executable", "identity", "wish")

    def __init__(
        self, wish: Wish, executable: str, env: dict[str, str], identity: tuple[int, int, list[int]] | None
    ) -> None:
        """Take the fields as the class describes them."""
        self.wish = wish
        self.executable = executable
        self.env = env
        self.identity = identity

    @property
    def uid(self) -> int:
        """The uid that the instance starts with."""
        return self.identity[0] if self.identity else os.geteuid()

    @property
    def needs(self) -> preflight.Start:
        """What must be there, and allowed to whom it starts as."""
        path = self.env.get("PATH", _PATH)
        return preflight.Start(self.wish.argv[0], self.executable, path, self.wish.cwd, self.wish.log)


def resolve(wish: Wish, environment: Mapping[str, str]) -> Plan:
    """Return the plan. Raise CannotStart; what another user may not do is left to the child (or to `rehearsal`)."""
    account = _account(wish)
    env = _environment(wish, _coerced(environment), account)
    path = env.get("PATH", _PATH)
    executable = located(wish.argv[0], path)
    if executable is None:
        raise CannotStart(absent(wish.argv[0], path))
    identity = None
    if account:
        name, uid, gid = account[:3]
        groups = os.getgrouplist(name, gid) if wish.group is None else [gid]
        identity = (uid, gid, groups)
    plan = Plan(wish, executable, env, identity)
    trouble = "" if identity else preflight.impediment(plan.needs)
    if trouble:
        raise CannotStart(trouble)
    if os.geteuid() == 0 and (identity is None or identity[0] == 0) and not wish.trust_any:
        _trust(executable, path)
        _trust_log(wish.log)
    return plan


def target(wish: Wish) -> int:
    """Return the uid that an instance starts with, though its command may not be there now."""
    try:
        account = _account(wish)
    except CannotStart:
        return os.geteuid()
    return account[1] if account else os.geteuid()


def _trust(executable: str, path: str) -> None:
    try:
        why = untrusted_program(executable, path)
    except OSError as error:
        raise CannotStart(f"{error.filename or executable}: {error.strerror}") from None
    if why:
        raise CannotStart(f"refused: {why} (--user, or --allow-unsafe-path)")


def _trust_log(log: str | None) -> None:
    """Raise CannotStart where others could lead root's log elsewhere."""
    try:
        why = untrusted_log(log) if log else ""
    except OSError:
        return  # the child says what it cannot open
    if why:
        raise CannotStart(f"refused: {why} (--user, or --allow-unsafe-path)")


def _account(wish: Wish) -> tuple[str, int, int, str, str] | None:
    """Return (name, uid, gid, home, shell) to become, None to stay."""
    if wish.user is None and wish.group is None:
        return None
    import grp
    import pwd

    try:
        own = str(os.geteuid()) if wish.user is None else wish.user
        entry = pwd.getpwuid(int(own)) if _is_number(own) else pwd.getpwnam(own)
    except (KeyError, ValueError, OverflowError):
        raise CannotStart(f"there is no user {wish.user or os.geteuid()}") from None
    gid = entry.pw_gid
    if wish.group is not None:
        try:
            gid = int(wish.group) if _is_number(wish.group) else grp.getgrnam(wish.group).gr_gid
        except (KeyError, ValueError):
            raise CannotStart(f"there is no group {wish.group}") from None
    return entry.pw_name, entry.pw_uid, gid, entry.pw_dir, entry.pw_shell


def _is_number(word: str) -> bool:
    # isdigit() alone would take digits of other scripts
    return word.isascii() and word.isdigit() and len(word) <= 10 and int(word) < _NOBODY  # noqa: PLR2004


def _coerced(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the caller's variables: where it set no locale, Python has put LC_CTYPE among ours."""
    given = read("self", "environ", 1 << 21) or b""
    if any(line.startswith(b"LC_CTYPE=") for line in given.split(b"\0")):
        return environment
    return {key: value for key, value in environment.items() if key != "LC_CTYPE"}


def _environment(
    wish: Wish, environment: Mapping[str, str], account: tuple[str, int, int, str, str] | None
) -> dict[str, str]:
    if wish.clean:
        env = {key: environment[key] for key in _KEPT if key in environment}
        env["PATH"] = _PATH
    else:
        env = {key: value for key, value in environment.items() if not key.startswith(_OURS) and key not in _ALSO}
    if account and wish.user is not None:
        name, _, _, home, shell = account
        env |= {"HOME": home, "USER": name, "LOGNAME": name, "SHELL": shell or "/bin/sh"}
    return env | dict(wish.env)
