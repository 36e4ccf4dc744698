"""What a run says that does nothing: each reason has its words, and the state is the service's."""

from __future__ import annotations

from watchdog_tools.actions.failure import begin_hold, hold_words, starts, tell_hold
from watchdog_tools.actions.mercy import forgiven, in_mercy
from watchdog_tools.actions.run import left
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health

_KEPT = ("failures", "successes", "trouble")


def healthy(order: Order, health: Health) -> Result:
    """Return the verdict of a service that works, whoever runs it."""
    reason = "repairing" if health.starting else ""  # another supervisor is at it
    return Result(health.state, f"{order.name} {health.lead}: {health.words}", reason=reason, metrics=health.metrics)


def blind(run: Run, health: Health, words: str) -> Result:
    """Return the verdict where who cannot see must not act."""
    state = health.state if health.state != OK else UNKNOWN
    return Result(state, f"{run.name}: {words}; nothing {'done' if run.order.hand else 'started'}", reason="blind")


def state_of(run: Run, health: Health, weighed: Weighed) -> str:
    """Return how a service is that does not work, in words that a reason follows."""
    lives = weighed.alive or health.exists
    return f"{run.name} is {'alive but failing' if lives else 'down'} ({health.words or 'no instance'})"


def paused(run: Run, health: Health, weighed: Weighed) -> Result:
    """A pause stops the hands, not the eyes."""
    if health.works or (weighed.alive and not health.asked):
        words = f": {health.words}" if health.words else ""
        state = health.state if health.asked else OK
        return Result(state, f"{run.name} is up, {weighed.paused}{words}", reason="paused", metrics=health.metrics)
    return Result(CRITICAL, f"{state_of(run, health, weighed)}; {weighed.paused}", reason="paused")


def waiting(run: Run, health: Health, weighed: Weighed) -> Result:
    """Say that a start has to wait for its backoff."""
    remembered(run, weighed)
    attempts = weighed.past.attempts
    words = f"backing off after {attempts} start{'' if attempts == 1 else 's'} that did not last"
    return Result(
        CRITICAL, f"{state_of(run, health, weighed)}; {words}, next try in {spoken(weighed.wait)}", reason="backoff"
    )


def held(run: Run, health: Health, weighed: Weighed) -> Result:
    """Say until when it is held; remember a hold that begins, and tell who asked to be told."""
    if in_mercy(run.order) and not (weighed.alive or health.exists):  # a boot costs no hold, but the limit is kept
        return forgiven(run.order, health.words or "no instance", f"not started, after {starts(run)}")
    begins = begin_hold(run, weighed.verdict)
    remembered(run, weighed)
    words = hold_words(run, weighed.wait)
    verdict = Result(CRITICAL, f"{state_of(run, health, weighed)}; {words}", reason="held")
    if begins:
        tell_hold(run, health.words, verdict)
    return verdict


def remembered(run: Run, weighed: Weighed) -> bool:
    """Write what changed of the run's memory into the record that there is, whatever it is of.

    Return whether it stands there now, as far as there is a record.
    """
    old = weighed.record
    if old is None or (memory(run) == (*(getattr(old, key) for key in _KEPT), repr(old.history))):
        return True
    record = run.record(old.phase, identity=old.identity, since=old.since)
    record.why = old.why
    return run.write(record)


def memory(run: Run) -> tuple[object, ...]:
    """Return what a run remembers, for comparison."""
    return (*(getattr(run, key) for key in _KEPT), repr(run.past))


def unmet(run: Run, health: Health, weighed: Weighed) -> Result | None:
    """Return the verdict of a service that waits for what it requires; None if all of that is there."""
    if run.order.requires is None:
        return None
    run.tell("asking what it requires")
    said = run.order.requires(run.life)
    if said is None:
        return left(run.order)
    lacking = [f"{name} ({result.summary})" for name, result in said if result.state == CRITICAL]
    for name, result in said:
        if result.state == UNKNOWN:
            run.note(f"{name}, which it requires, cannot be judged: {result.summary}")
    if not lacking:
        return None
    remembered(run, weighed)
    words = f"{state_of(run, health, weighed)}; waiting for {', '.join(lacking)}"
    return Result(CRITICAL, words, reason="waiting")
