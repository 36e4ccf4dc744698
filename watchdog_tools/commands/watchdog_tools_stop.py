"""watchdog-tools stop: a pause, and a verified stop."""

from __future__ import annotations

from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import EXITS, Service, length_option, lock_option, options, reason_option, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


def _run(service: Service, _values: Values, wake: int) -> Result | None:
    from watchdog_tools.commands.hand import run

    return run(service, wake, "stop")


COMMAND = Command(
    name="watchdog-tools stop",
    label="STOP",
    summary="Stop a service and keep it down: a pause first, then a verified stop.",
    arguments=("NAME", (1, 1), "the service's own name"),
    options=options(length_option(), reason_option(), lock_option()),
    settle=settle,
    run=_run,
    target=lambda service: service.name,
    examples=(
        ("watchdog-tools stop web --for 2h --reason upgrade", "down for two hours, unless start or resume come first"),
        ("watchdog-tools stop web", "for a day"),
    ),
    exits=EXITS,
    notes="It is stopped as ensure-running stops it, under the same lock, by the command line that last started or"
    " adopted it here; the line says how old that is. One that does not run is paused all the same.",
)
