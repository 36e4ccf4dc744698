"""watchdog-tools reload: have it read its configuration anew, as --reload says."""

from __future__ import annotations

from watchdog_tools.admin.service import EXITS, lock_option, options, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.control import run

    return run(service, cancel_fd, "reload")


COMMAND = verb(
    "reload",
    _run,
    summary="Have a service read its configuration anew, as --reload of its line says, without a restart.",
    options=options(lock_option()),
    examples=(
        ("watchdog-tools reload web", "by the signal or the command of --reload"),
        ("watchdog-tools reload web -v", "and show the result of each check"),
    ),
    exits=(EXITS[0], EXITS[1], ("2", "it is down, or does not work behind it"), EXITS[3], EXITS[4]),
    notes="It is done by the command line that last started or adopted it here, under the same lock as a run. A signal"
    " goes to the instance that was started here and to no other process, and only if that takes it: without a handler"
    " it would end the service. Behind it the service is checked once, and nothing is done about what that says. It"
    " counts as no restart.",
)
