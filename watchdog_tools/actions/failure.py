"""TOUCH: a start has failed. Remember it, say when the next one may be; where none is left, the hold begins here."""

from __future__ import annotations

from watchdog_tools import policy
from watchdog_tools.actions.hooking import hook
from watchdog_tools.actions.mercy import forgiven, in_mercy
from watchdog_tools.actions.run import down, now
from watchdog_tools.record import DAEMON, FAILED
from watchdog_tools.result import CRITICAL, Result
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.policy import Verdict
    from watchdog_tools.system.identity import Identity

CANNOT = "cannot start"


def failed(  # noqa: PLR0913 -- what is said of one start
    run: Run, why: str, words: str, daemon: Identity | None = None, how: str = "down", *, served: bool = False
) -> Result:
    """Remember a start that failed, so that the next ones back off. Return the verdict.

    daemon: the instance that ended and left a daemon behind, by whose mark that is known. how: the service is.
    served: others do its work, so that there is nothing to hold.
    """
    merciful = in_mercy(run.order)
    run.fail()
    run.mercy = merciful
    begins = not (merciful or served) and begin_hold(run, judged(run))  # a boot costs no hold
    record = run.record(FAILED, identity=daemon)
    record.why = DAEMON if daemon else ""
    run.write(record)
    run.event(CANNOT, why=words.removeprefix(f"{CANNOT}: "), attempt=run.past.attempts)
    if merciful:
        return forgiven(run.order, why, words)
    verdict = down(run.order, why, f"{words}; {next_try(run)}", "failed", how)
    if begins:
        tell_hold(run, words, verdict)
    return verdict


def judged(run: Run) -> Verdict:
    """Return what the policy says now."""
    return policy.judge(run.past, run.order.limits, now())


def begin_hold(run: Run, verdict: Verdict) -> bool:
    """Begin the hold that a verdict asks for, if it does: the next record says so. Return whether it begins now.

    Whoever says "held" has called this first: a hold that no record tells of is kept by no run.
    """
    if verdict.fresh:
        run.past = policy.held(run.past, run.order.limits, now())
    return verdict.fresh


def tell_hold(run: Run, why: str, verdict: Result) -> None:
    """Say into the log that a hold has begun, and tell who asked to be told."""
    run.event("held", seconds=round((judged(run).until - now()) / 1000), why=why)
    hook(run, "hold", Result(CRITICAL, verdict.summary, reason="held"))


def next_try(run: Run) -> str:
    """Return when the policy lets the next start be made, in words."""
    verdict = judged(run)
    wait = max(verdict.until - now(), 0) / 1000
    if verdict.kind == policy.HELD:
        return hold_words(run, wait)
    return "the next run tries again" if verdict.kind == policy.NOW else f"next try in {spoken(wait)}"


def hold_words(run: Run, wait: float) -> str:
    """Return for how long it is held, why, and what ends that. wait: seconds."""
    return f"held for {spoken(wait)}, after {starts(run)} (watchdog-tools start {run.name} ends that)"


def starts(run: Run) -> str:
    """Return the starts that --limit allows, in words."""
    limits = run.order.limits
    return f"{limits.count} start{'' if limits.count == 1 else 's'} within {spoken(limits.window / 1000)}"
