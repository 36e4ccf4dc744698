"""watchdog-tools resume: end a pause before it ends by itself."""

from __future__ import annotations

from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import EXITS, Service, acted, options, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


def _run(service: Service, _values: Values, wake: int) -> Result | None:
    from watchdog_tools.commands.pausing import resume

    return acted(service, wake, lambda say: resume(service, say))


COMMAND = Command(
    name="watchdog-tools resume",
    label="RESUME",
    summary="End a service's pause: the next run of ensure-running does what is needed.",
    arguments=("NAME", (1, 1), "the service's own name"),
    options=options(),
    settle=settle,
    run=_run,
    target=lambda service: service.name,
    examples=(
        ("watchdog-tools resume web", "within the minute, cron's run starts what is down"),
        ("watchdog-tools resume web -s /srv/web/state", "of another state directory"),
    ),
    exits=(EXITS[0], EXITS[3], EXITS[4]),
    notes="What is not paused is OK, too, and the line says so. To have it started now, use start.",
)
