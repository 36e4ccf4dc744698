"""watchdog-tools pause: a run neither starts nor stops it for a while; it is still checked."""

from __future__ import annotations

from watchdog_tools.admin.service import EXITS, options, pause_options, run_action, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


def _run(service: Service, _values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.pause import pause

    return run_action(service, cancel_fd, lambda progress: pause(service, progress))


COMMAND = verb(
    "pause",
    _run,
    summary="Keep ensure-running from starting or stopping a service for a while; it is still checked and reported.",
    options=options(*pause_options()),
    examples=(
        ("watchdog-tools pause web --for 30m --reason 'new disk'", "for half an hour"),
        ("watchdog-tools pause web", "for a day, or until it is resumed"),
        ("watchdog-tools pause web --until-boot", "until the machine is booted anew"),
    ),
    exits=(EXITS[0], EXITS[3], EXITS[4]),
    notes="A pause replaces an earlier one and ends by itself. It is measured by the clock that runs since the boot;"
    " after a reboot by the wall clock, but it then ends no later than D after that boot. With"
    " --until-boot it is over by then (and after a year). Root's pauses are in"
    " /var/lib/watchdog-tools/pause and survive a reboot; with --state-dir, and for other users, they are in the"
    " subdirectory pause of the state directory. A file there that other users own or can write, or that is a link, is"
    " ignored, and the output says so.",
)
