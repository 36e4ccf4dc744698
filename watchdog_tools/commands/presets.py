"""--systemd and --supervisor: check, start command and stop command come from the other supervisor's tool."""

from __future__ import annotations

from watchdog_tools.cli.options import Wrong
from watchdog_tools.probes import supervisor, systemd
from watchdog_tools.system.looks import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

    Words = tuple[str, ...]

_OF_INSTANCE = ("process", "pidfile", "user", "group", "log")  # what only fits a program that we start ourselves


def settle(values: Values, command: list[str]) -> list[str]:
    """Return the start command, and fill in what else follows. Raise Wrong."""
    unit, program = values["systemd"], values["supervisor"]
    if not (unit or program):
        raise Wrong("--supervisor-config: it is for --supervisor PROGRAM")
    if unit and program:
        raise Wrong("--systemd and --supervisor exclude each other")
    if command:
        raise Wrong("a preset brings its own start command: give nothing behind --")
    try:
        start, stop = _of_systemd(unit) if unit else _of_supervisor(program, values["supervisor_config"])
    except ValueError as error:
        raise Wrong(f"--{'systemd' if unit else 'supervisor'}: {error}") from None
    values["oneshot"] = True
    values["stop_words"] = stop
    return list(start)


def _of_systemd(unit: str) -> tuple[Words, Words]:
    unit = systemd.unit(unit)
    return systemd.restart_command(unit), systemd.stop_command(unit)


def _of_supervisor(program: str, config: str | None) -> tuple[Words, Words]:
    return supervisor.restart_command(program, config), supervisor.stop_command(program, config)


def look(values: Values) -> tuple[str, Job]:
    """Return the look at what the other supervisor says, with its name."""
    unit, program, config = values["systemd"], values["supervisor"], values["supervisor_config"]

    def of_unit(say: Say) -> Result:
        return systemd.look(unit, say)

    def of_program(say: Say) -> Result:
        return supervisor.look(program, config, say)

    name = "systemd" if unit else "supervisor"
    return name, Job(of_unit if unit else of_program, target=unit or program, foreign=True)
