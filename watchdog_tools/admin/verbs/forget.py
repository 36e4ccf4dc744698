"""watchdog-tools forget: remove what is kept of a service whose line is gone."""

from __future__ import annotations

from watchdog_tools.admin.service import EXITS, lock_option, options, run_action_under_lock, verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result
    from watchdog_tools.workers.worker import Progress


def _run(service: Service, values: Values, cancel_fd: int) -> Result | None:
    from watchdog_tools.admin.forget import forget

    def work(progress: Progress, parent_fd: int) -> Result:
        return forget(service, progress, parent_fd)

    return run_action_under_lock(service, cancel_fd, work, 2 * values["lock_wait"])  # there are two locks


COMMAND = verb(
    "forget",
    _run,
    summary="Remove all that is kept of a service that is down and whose line is gone.",
    options=options(lock_option()),
    examples=(
        ("watchdog-tools forget web", "behind: its line removed, watchdog-tools stop web"),
        ("watchdog-tools forget web -s /srv/web/state", "with another state directory"),
    ),
    exits=(EXITS[0], ("2", "it lives, so nothing is removed"), EXITS[3], EXITS[4]),
    notes="Its record, events, evidence, pause, saved command line, and what was last said of it are removed, and its"
    " empty control group; status shows it no more. Its lock files stay, since two runs could hold different ones"
    " otherwise; they are small, and a NAME that comes back uses them. A service whose line is still in cron is made"
    " anew by its next run. It is done under the service's lock, so never while a run is at work.",
)
