"""--systemd and --supervisor: check, start command and stop command come from the other supervisor's tool."""

from __future__ import annotations

from watchdog_tools.cli.options import Wrong
from watchdog_tools.probes import supervisor, systemd
from watchdog_tools.result import OK
from watchdog_tools.supervisor_program import program_name
from watchdog_tools.system.looks import Job
from watchdog_tools.systemd_unit import unit_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

    Words = tuple[str, ...]

_OF_INSTANCE = ("user", "group", "log")  # what only fits a program that we start ourselves


def settle(values: Values, command: list[str]) -> list[str]:
    """Return the start command, and fill in what else follows. Raise Wrong."""
    unit, program = values["systemd"], values["supervisor"]
    for key in _OF_INSTANCE:
        if values[key]:
            raise Wrong(f"--{key}: the other supervisor starts it, so that is for its own configuration")
    for key in ("process", "pidfile"):
        if values[key]:
            raise Wrong(f"--{key}: a preset knows by itself whether it runs, so leave that out")
    if values["supervisor_config"] and not program:
        raise Wrong("--supervisor-config: it is for --supervisor PROGRAM")
    if unit and program:
        raise Wrong("--systemd and --supervisor exclude each other")
    if command:
        raise Wrong("a preset brings its own start command: give nothing behind --")
    try:
        start, restart, stop = _of_systemd(unit) if unit else _of_supervisor(program, values["supervisor_config"])
    except ValueError as error:
        raise Wrong(f"--{'systemd' if unit else 'supervisor'}: {error}") from None
    values["oneshot"] = True
    values["restart_words"] = restart
    values["stop_words"] = stop  # what stops it if an operator wants that, and --stop says nothing else
    return list(start)


def _of_systemd(unit: str) -> tuple[Words, Words, Words]:
    name = unit_name(unit)
    return systemd.start_command(name), systemd.restart_command(name), systemd.stop_command(name)


def _of_supervisor(program: str, config: str | None) -> tuple[Words, Words, Words]:
    name = program_name(program)
    commands = (supervisor.start_command, supervisor.restart_command, supervisor.stop_command)
    start, restart, stop = (command(name, config) for command in commands)
    return start, restart, stop


def look(values: Values) -> tuple[str, Job]:
    """Return the look at what the other supervisor says, with its name."""
    unit, program, config = values["systemd"], values["supervisor"], values["supervisor_config"]

    def asked(say: Say) -> Result:
        if unit:
            result = systemd.look(unit_name(unit), say)
        else:
            unsafe = bool(values["allow_unsafe_path"])
            result = supervisor.look(program_name(program), config, say, trust_any=unsafe)
        if result.state == OK:  # then it lives, whatever another check says of it
            result.details["_exists"] = True
        return result

    return "systemd" if unit else "supervisor", Job(asked, target=unit or program, foreign=True)
