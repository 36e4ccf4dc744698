"""watchdog-tools resume: end a pause before it ends by itself."""

from __future__ import annotations

from watchdog_tools.admin.service import EXITS, options, run_action, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.pause import resume

    return run_action(service, cancel_fd, lambda progress: resume(service, progress))


COMMAND = verb(
    "resume",
    _run,
    summary="End a service's pause: the next run of ensure-running does what is needed.",
    options=options(),
    examples=(
        ("watchdog-tools resume web", "the next run from cron starts it if it is down"),
        ("watchdog-tools resume web -s /srv/web/state", "with another state directory"),
    ),
    exits=(EXITS[0], EXITS[3], EXITS[4]),
    notes="A service that is not paused is OK as well, and the output says so. To start it now, use start.",
)
