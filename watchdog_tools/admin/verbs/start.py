"""watchdog-tools start: start it now, and end its pause."""

from __future__ import annotations

from watchdog_tools.admin.service import lock_option, options, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    if not service.name:
        from watchdog_tools.admin import every

        return every.run(service, cancel_fd, "start")
    from watchdog_tools.admin.control import run

    return run(service, cancel_fd, "start")


COMMAND = verb(
    "start",
    _run,
    summary="Start a service now: end its pause, and wait for no backoff or hold.",
    options=options(lock_option()),
    every=True,
    examples=(
        ("watchdog-tools start web", "start it, and verify that it is healthy"),
        ("watchdog-tools start web --lock-wait 1m", "wait up to a minute for a run in progress"),
        ("watchdog-tools start --all", "end all pauses, and start what is down"),
    ),
    notes="It is started as ensure-running starts it, under the same lock, with the command line that last started or"
    " adopted it here; the output says when that was saved. One that was edited since is used once ensure-running has"
    " run with it. Its environment is the caller's, except for what that command line sets."
    " --all starts up to 8 at a time; those that are up stay as they are. While the machine shuts down nothing is"
    " started.",
)
