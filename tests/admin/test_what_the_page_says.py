"""What docs/watchdog-tools.md tells an operator to type, and what it says of that, on a machine of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from helpers.documents import FENCE, ROOT
from helpers.machine import Machine, machine

from watchdog_tools.state import traces

PAGE = (ROOT / "docs" / "watchdog-tools.md").read_text()
KEEP = "ensure-running web --for cron --process napper -- /opt/web/bin/napper"  # nothing else there is called so
pytestmark = pytest.mark.root(reason="makes a machine of its own")


@pytest.fixture
def there() -> Iterator[Machine]:
    """A machine of its own."""
    with machine() as made:
        assert made.type("cp /bin/sleep /opt/web/bin/napper").code == 0
        yield made


def block(heading: str) -> str:
    """Return the first block under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = FENCE.search(section)
    assert found, heading
    return found["body"]


def test_a_changed_line_counts_after_its_next_run(there: Machine) -> None:
    """Not while the service runs; that run saves it, so that a restart takes it."""
    assert there.type(f"{KEEP} 601").code == 0
    assert "; runs the command of " in there.type(f"{KEEP} 602").out
    assert there.type(f"{KEEP} 602").out == ""
    assert there.type("pgrep -xf '/opt/web/bin/napper 601'").code == 0
    assert there.type(block("Change the line")).code == 0
    assert there.type("pgrep -xf '/opt/web/bin/napper 601'").code == 1
    assert there.type("pgrep -xf '/opt/web/bin/napper 602'").code == 0


def test_an_ordered_stop_and_a_pause_are_silent(there: Machine) -> None:
    """Who ordered it knows it. The exit code is the service's, and whoever asks otherwise is told."""
    assert there.type(f"{KEEP} 600").code == 0
    assert there.type("watchdog-tools pause web").code == 0
    for _ in range(2):
        ran = there.type(f"{KEEP} 600")
        assert (ran.code, ran.out) == (0, ""), ran
    assert there.type("watchdog-tools stop web").code == 0
    for _ in range(2):
        ran = there.type(f"{KEEP} 600")
        assert (ran.code, ran.out) == (1, ""), ran
    assert "paused until" in there.type(f"{KEEP.replace('--for cron', '--quiet')} 600").out
    assert there.type("watchdog-tools status").code == 0


def test_what_was_up_before_is_not_known_but_can_be_paused(there: Machine) -> None:
    """Until it was started here it is up by the last run; that outlives a reboot. The pause holds from then on."""
    there.type("nohup /opt/web/bin/napper 600 >/dev/null 2>&1 &")
    ran = there.type(f"{KEEP} 600")
    assert (ran.code, ran.out) == (0, "")
    assert re.search(r"^web +up\b", there.type("watchdog-tools status").out, re.MULTILINE)
    assert there.type("rm -r /run/watchdog-tools; check-heartbeat --of web --max-age 1s").code == 2
    ran = there.type("watchdog-tools status --max-age 1s")
    assert (ran.code, "1 service: 1 unknown; web not seen in this boot, which began " in ran.out) == (2, True), ran
    assert ran.out.splitlines()[0].count("web") == 1
    assert there.type("watchdog-tools history web").out == "HISTORY OK - web: 0 events\n"
    for verb in ("stop", "start", "restart"):
        ran = there.type(f"watchdog-tools {verb} web")
        assert (ran.code, "web was never kept here" in ran.out) == (3, True), ran
    assert there.type("watchdog-tools pause web").code == 0
    assert there.type("pkill -xf '/opt/web/bin/napper 600'").code == 0
    assert "paused until" in there.type(f"{KEEP.replace('--for cron', '--quiet')} 600").out
    assert there.type("pgrep -xf '/opt/web/bin/napper 600'").code == 1
    assert there.type("watchdog-tools resume web").code == 0
    assert "started web" in there.type(f"{KEEP} 600").out


def test_nothing_is_left_of_a_service_that_was_retired(there: Machine) -> None:
    """The other one is as it was."""
    for name in ("web", "web2"):
        assert there.type(f"ensure-running {name} -- /opt/web/bin/napper 600").code == 0
    there.type("ensure-running web --watch 2s -- /opt/web/bin/napper 600", timeout=40)
    assert there.type(block("Retire a service")).code == 0
    files = there.type("cd / && find run/watchdog-tools var/lib/watchdog-tools -type f").out.split()
    left = [name for name in files if re.search(r"/web(\.|$)", name)]
    assert {*left} <= {f"run/watchdog-tools/lock/{each.format('web')}" for each in traces.LOCK_FILES}
    assert {"run/watchdog-tools/web2.record", "run/watchdog-tools/lock/web2.command"} <= {*files}
    assert there.type("watchdog-tools status web2").code == 0
    assert "web   unknown" in there.type("watchdog-tools status web").out
