"""watchdog-tools pause: a run neither starts nor stops it for a while; it is looked at as ever."""

from __future__ import annotations

from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import EXITS, Service, acted, length_option, options, reason_option, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


def _run(service: Service, _values: Values, wake: int) -> Result | None:
    from watchdog_tools.commands.pausing import pause

    return acted(service, wake, lambda say: pause(service, say))


COMMAND = Command(
    name="watchdog-tools pause",
    label="PAUSE",
    summary="Have ensure-running neither start nor stop a service for a while; it is looked at and reported as ever.",
    arguments=("NAME", (1, 1), "the service's own name"),
    options=options(length_option(), reason_option()),
    settle=settle,
    run=_run,
    target=lambda service: service.name,
    examples=(
        ("watchdog-tools pause web --for 30m --reason 'new disk'", "for half an hour"),
        ("watchdog-tools pause web", "for a day, or until it is resumed"),
    ),
    exits=(EXITS[0], EXITS[3], EXITS[4]),
    notes="It replaces an earlier pause, and ends by itself: counted on the clock since the boot, and after a reboot on"
    " the wall clock, then never later than D after that boot. Root's pauses are in /var/lib/watchdog-tools/pause and"
    " survive a reboot; with --state-dir, and for other users, they are in its directory pause. A file there that"
    " others own or can write, or that is a link, is ignored with a word.",
)
