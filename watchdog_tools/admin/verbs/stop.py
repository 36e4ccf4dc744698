"""watchdog-tools stop: a pause, and a verified stop."""

from __future__ import annotations

from watchdog_tools.admin.service import lock_option, options, pause_options, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    if not service.name:
        from watchdog_tools.admin import every

        return every.run(service, cancel_fd, "stop")
    from watchdog_tools.admin.control import run

    return run(service, cancel_fd, "stop")


COMMAND = verb(
    "stop",
    _run,
    summary="Stop a service and keep it down: a pause first, then a verified stop.",
    options=options(*pause_options(), lock_option()),
    every=True,
    examples=(
        ("watchdog-tools stop web --for 2h --reason upgrade", "down for two hours, or until start or resume"),
        ("watchdog-tools stop web", "down for a day"),
        ("watchdog-tools stop --all --until-boot", "all of them, until the machine is booted anew"),
    ),
    notes="It is stopped as ensure-running stops it, under the same lock, with the command line that last started or"
    " adopted it here; the output says when that was saved. A service that is not running is paused all the same."
    " --all stops up to 8 at a time; one that cannot be stopped keeps no other. They stay down after a reboot, too,"
    " until the pause ends, unless --until-boot is given.",
)
