"""watchdog-tools restart: a verified stop, and a start."""

from __future__ import annotations

from watchdog_tools.admin.service import lock_option, options, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.control import run

    return run(service, cancel_fd, "restart")


COMMAND = verb(
    "restart",
    _run,
    summary="Restart a service now, whether it is healthy or not: a verified stop, then a start.",
    options=options(lock_option()),
    examples=(
        ("watchdog-tools restart web", "stop it, start it, and verify that it is healthy"),
        ("watchdog-tools restart web -v", "and show the result of each check"),
    ),
    notes="It is stopped and started as ensure-running does it, under the same lock, with the command line that last"
    " started or adopted it here; the output says when that was saved. One that was edited since is used once"
    " ensure-running has run with it. A pause stays, and the output says until when. If it"
    " cannot be stopped, no second instance is started.",
)
