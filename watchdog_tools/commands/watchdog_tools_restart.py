"""watchdog-tools restart: a verified stop, and a start."""

from __future__ import annotations

from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import EXITS, Service, lock_option, options, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


def _run(service: Service, _values: Values, wake: int) -> Result | None:
    from watchdog_tools.commands.hand import run

    return run(service, wake, "restart")


COMMAND = Command(
    name="watchdog-tools restart",
    label="RESTART",
    summary="Restart a service now, whatever it looks like: a verified stop, then a start.",
    arguments=("NAME", (1, 1), "the service's own name"),
    options=options(lock_option()),
    settle=settle,
    run=_run,
    target=lambda service: service.name,
    examples=(
        ("watchdog-tools restart web", "stop it, start it, and verify that it is healthy"),
        ("watchdog-tools restart web -v", "with the verdict of each check below the line"),
    ),
    exits=EXITS,
    notes="It is stopped and started as ensure-running does it, under the same lock, by the command line that last"
    " started or adopted it here; the line says how old that is. What cannot be stopped is not started beside.",
)
