"""watchdog-tools stop: a pause, and a verified stop."""

from __future__ import annotations

from watchdog_tools.admin.service import length_option, lock_option, options, reason_option, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.control import run

    return run(service, cancel_fd, "stop")


COMMAND = verb(
    "stop",
    _run,
    summary="Stop a service and keep it down: a pause first, then a verified stop.",
    options=options(length_option(), reason_option(), lock_option()),
    examples=(
        ("watchdog-tools stop web --for 2h --reason upgrade", "down for two hours, or until start or resume"),
        ("watchdog-tools stop web", "down for a day"),
    ),
    notes="It is stopped as ensure-running stops it, under the same lock, with the command line that last started or"
    " adopted it here; the output says when that was saved. A service that is not running is paused all the same.",
)
