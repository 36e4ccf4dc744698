"""--systemd and --supervisor: check, start command and stop command come from the other supervisor's tool."""

from __future__ import annotations

from watchdog_tools.checks import supervisord, systemd
from watchdog_tools.checks.supervisord.program import program_name
from watchdog_tools.checks.systemd.unit import unit_name
from watchdog_tools.cli.command import UsageError
from watchdog_tools.core import OK
from watchdog_tools.workers import Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.ensure_running.values import Values
    from watchdog_tools.workers.worker import Progress

    Words = tuple[str, ...]


def commands(values: Values, command: Words) -> tuple[Words, Words, Words]:
    """Return the commands that start, restart and stop it; the last is for an operator's order. Raise UsageError."""
    unit, program = values["systemd"], values["supervisor"] or ""
    # what only fits a program that we start ourselves
    for option, value in (("--user", values["user"]), ("--group", values["group"]), ("--log", values["log"])):
        if value:
            raise UsageError(f"{option}: the other supervisor starts it, so that is for its own configuration")
    for option, value in (("--process", values["process"]), ("--pidfile", values["pidfile"])):
        if value:
            raise UsageError(f"{option}: a preset knows by itself whether it runs, so leave that out")
    if values["supervisor_config"] and not program:
        raise UsageError("--supervisor-config: it is for --supervisor PROGRAM")
    if unit and program:
        raise UsageError("--systemd and --supervisor exclude each other")
    if command:
        raise UsageError("a preset brings its own start command: give nothing behind --")
    try:
        return _of_systemd(unit) if unit else _of_supervisor(program, values["supervisor_config"])
    except ValueError as error:
        raise UsageError(f"--{'systemd' if unit else 'supervisor'}: {error}") from None


def _of_systemd(unit: str) -> tuple[Words, Words, Words]:
    name = unit_name(unit)
    return systemd.start_command(name), systemd.restart_command(name), systemd.stop_command(name)


def _of_supervisor(program: str, config: str | None) -> tuple[Words, Words, Words]:
    name = program_name(program)
    commands = (supervisord.start_command, supervisord.restart_command, supervisord.stop_command)
    start, restart, stop = (command(name, config) for command in commands)
    return start, restart, stop


def check(values: Values) -> tuple[str, Check[Result]]:
    """Return the check of what the other supervisor says, with its name."""
    unit, program, config = values["systemd"], values["supervisor"] or "", values["supervisor_config"]
    unsafe = values["allow_unsafe_path"]

    def probe(progress: Progress) -> Result:
        if unit:
            result = systemd.probe(unit_name(unit), progress)
        else:
            result = supervisord.probe(program_name(program), config, progress, trust_any=unsafe)
        if result.state == OK:  # then it lives, whatever another check says of it
            result.keeper.exists = True
        return result

    return "systemd" if unit else "supervisor", Check(probe, target=unit or program, foreign=True)
