"""TOUCH, prepared: everything about a start that can be resolved before the fork, since NSS and disks can hang."""

from __future__ import annotations

import os

from watchdog_tools.actions import preflight
from watchdog_tools.core import Result
from watchdog_tools.core.struct import Struct
from watchdog_tools.system.executables import absent, located
from watchdog_tools.system.path_trust import untrusted_log, untrusted_program
from watchdog_tools.system.proc import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchdog_tools.core.config import StartOptions

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 5.0  # for reading --env-file; a dead network disk can hold it for ever
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


class StartPlan(Struct, frozen=True):
    """A start that can be carried out by system calls alone.

    identity: (uid, gid, supplementary gids) to become, None to stay who we are.
    """

    start_options: StartOptions
    executable: str
    env: dict[str, str]
    identity: tuple[int, int, list[int]] | None

    @property
    def uid(self) -> int:
        """The uid that the instance starts with."""
        return self.identity[0] if self.identity else os.geteuid()

    @property
    def needs(self) -> preflight.Start:
        """What must be there, and allowed to whom it starts as."""
        options = self.start_options
        return preflight.Start(
            word=options.argv[0],
            executable=self.executable,
            path=self.env.get("PATH", _PATH),
            cwd=options.cwd,
            log=options.log,
        )


def resolve(start_options: StartOptions, environment: Mapping[str, str]) -> StartPlan:
    """Return the plan. Raise CannotStart; what another user may not do is left to the child (or to `rehearsal`)."""
    account = _account(start_options)
    env = _environment(start_options, _coerced(environment), account)
    env |= _of_files(start_options) | dict(start_options.env)
    if start_options.nofile:
        import resource  # noqa: F401 -- the child needs it, and finds it loaded
    path = env.get("PATH", _PATH)
    executable = located(start_options.argv[0], path)
    if executable is None:
        raise CannotStart(absent(start_options.argv[0], path))
    identity = _ids(start_options, account)
    plan = StartPlan(start_options=start_options, executable=executable, env=env, identity=identity)
    trouble = "" if identity else preflight.impediment(plan.needs)
    if trouble:
        raise CannotStart(trouble)
    if os.geteuid() == 0 and (identity is None or identity[0] == 0) and not start_options.trust_any:
        _ensure_trusted(executable, path)
        _ensure_log_trusted(start_options.log)
    return plan


def target(start_options: StartOptions) -> int:
    """Return the uid that an instance starts with, though its command may not be there now."""
    try:
        account = _account(start_options)
    except CannotStart:
        return os.geteuid()
    return account[1] if account else os.geteuid()


def ids(start_options: StartOptions) -> tuple[int, int, list[int]] | None:
    """Return (uid, gid, groups) of the user that an instance starts as, None for ourselves. Raise CannotStart."""
    return _ids(start_options, _account(start_options))


def _ids(
    start_options: StartOptions, account: tuple[str, int, int, str, str] | None
) -> tuple[int, int, list[int]] | None:
    if account is None:
        return None
    name, uid, gid = account[:3]
    return uid, gid, os.getgrouplist(name, gid) if start_options.group is None else [gid]


def _ensure_trusted(executable: str, path: str) -> None:
    try:
        doubt = untrusted_program(executable, path)
    except OSError as error:
        raise CannotStart(f"{error.filename or executable}: {error.strerror}") from None
    if doubt:
        raise CannotStart(f"refused: {doubt} (--user, or --allow-unsafe-path)")


def _ensure_log_trusted(log: str | None) -> None:
    """Raise CannotStart where others could lead root's log elsewhere."""
    try:
        doubt = untrusted_log(log) if log else ""
    except OSError:
        return  # the child says what it cannot open
    if doubt:
        raise CannotStart(f"refused: {doubt} (--user, or --allow-unsafe-path)")


def _account(start_options: StartOptions) -> tuple[str, int, int, str, str] | None:
    """Return (name, uid, gid, home, shell) to become, None to stay."""
    if start_options.user is None and start_options.group is None:
        return None
    import grp
    import pwd

    try:
        own = str(os.geteuid()) if start_options.user is None else start_options.user
        entry = pwd.getpwuid(int(own)) if _is_number(own) else pwd.getpwnam(own)
    except (KeyError, ValueError, OverflowError):
        raise CannotStart(f"there is no user {start_options.user or os.geteuid()}") from None
    gid = entry.pw_gid
    if start_options.group is not None:
        try:
            gid = (
                int(start_options.group)
                if _is_number(start_options.group)
                else grp.getgrnam(start_options.group).gr_gid
            )
        except (KeyError, ValueError):
            raise CannotStart(f"there is no group {start_options.group}") from None
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
    start_options: StartOptions, environment: Mapping[str, str], account: tuple[str, int, int, str, str] | None
) -> dict[str, str]:
    if start_options.clean:
        env = {key: environment[key] for key in _KEPT if key in environment}
        env["PATH"] = _PATH
    else:
        env = {key: value for key, value in environment.items() if not key.startswith(_OURS) and key not in _ALSO}
    if account and start_options.user is not None:
        name, _, _, home, shell = account
        env |= {"HOME": home, "USER": name, "LOGNAME": name, "SHELL": shell or "/bin/sh"}
    return env


def _of_files(start_options: StartOptions) -> dict[str, str]:
    """Return the variables of --env-file, read in a fork. Raise CannotStart."""
    if not start_options.env_files:
        return {}
    from watchdog_tools.system.env_files import variables
    from watchdog_tools.workers import Check, run_all

    files, trust_any = start_options.env_files, start_options.trust_any
    for answer in run_all([Check(lambda _progress: variables(files, trust_any=trust_any))], _SECONDS) or []:
        if isinstance(answer, dict):
            return answer
        if not isinstance(answer, Result):
            raise CannotStart(answer)
    raise CannotStart(f"--env-file: not read within {_SECONDS:g} s (a network disk?)")
