"""Why a systemd service failed: Result=, ExecMainCode= and ExecMainStatus= in words."""

from __future__ import annotations

from watchdog_tools.core.text import quoted

_RESULTS = {
    "timeout": "timed out",
    "watchdog": "did not feed its watchdog in time",
    "start-limit-hit": "started too often (its start limit)",
    "oom-kill": "killed for lack of memory",
    "resources": "systemd lacked what it needs to run it",
    "protocol": "did not keep to the protocol of its Type=",
    "exec-condition": "its ExecCondition= said no",
}
_ENDED, _DUMPED = ("1",), ("2", "3")  # ExecMainCode: CLD_EXITED; CLD_KILLED, CLD_DUMPED
# systemd's own exit codes, of before the program ran (systemd.exec(5)): the ones that an operator meets
_BEFORE = {
    "200": "CHDIR: no such working directory",
    "203": "EXEC: its command cannot be executed",
    "208": "STDIN",
    "209": "STDOUT: its output cannot be opened",
    "216": "GROUP: no such group",
    "217": "USER: no such user",
    "226": "NAMESPACE: its sandbox cannot be made",
    "233": "RUNTIME_DIRECTORY",
    "238": "STATE_DIRECTORY",
}
_SIGNALS = {
    "1": "SIGHUP", "2": "SIGINT", "3": "SIGQUIT", "4": "SIGILL", "6": "SIGABRT", "7": "SIGBUS", "8": "SIGFPE",
    "9": "SIGKILL", "11": "SIGSEGV", "13": "SIGPIPE", "15": "SIGTERM", "31": "SIGSYS",
}  # fmt: skip


def failure(facts: dict[str, str]) -> str:
    """Return what follows "failed:", empty if it ended well. facts: properties as `systemctl show` has them."""
    result = facts.get("Result", "")
    code, status = facts.get("ExecMainCode", ""), facts.get("ExecMainStatus", "")
    if result in ("", "success"):
        return ""
    if result == "exit-code":
        if code not in _ENDED:  # no main process ended so: another command of the unit did
            return "a command of the unit (such as ExecStartPre=) exited with an error"
        known = _BEFORE.get(status)
        return f"exited with status {quoted(status, 10)}" + (f" ({known})" if known else "")
    if result in ("signal", "core-dump"):
        dumped = " and dumped core" if result == "core-dump" else ""
        if code not in _DUMPED:
            return f"a command of the unit (such as ExecStartPre=) was killed by a signal{dumped}"
        return f"killed by {_SIGNALS.get(status, f'signal {quoted(status, 10)}')}{dumped}"
    return _RESULTS.get(result, quoted(result, 60))
