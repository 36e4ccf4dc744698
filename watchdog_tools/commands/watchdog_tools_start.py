"""watchdog-tools start: start it now, and end its pause."""

from __future__ import annotations

from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import EXITS, Service, lock_option, options, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


def _run(service: Service, _values: Values, wake: int) -> Result | None:
    from watchdog_tools.commands.hand import run

    return run(service, wake, "start")


COMMAND = Command(
    name="watchdog-tools start",
    label="START",
    summary="Start a service now: its pause ends, and no backoff or hold stands in the way.",
    arguments=("NAME", (1, 1), "the service's own name"),
    options=options(lock_option()),
    settle=settle,
    run=_run,
    target=lambda service: service.name,
    examples=(
        ("watchdog-tools start web", "start it, and verify that it is healthy"),
        ("watchdog-tools start web --lock-wait 1m", "though a run may be at work for that long"),
    ),
    exits=EXITS,
    notes="It is started as ensure-running starts it, under the same lock, by the command line that last started or"
    " adopted it here; the line says how old that is. Its environment is that of who starts it now, but for what the"
    " command line says.",
)
