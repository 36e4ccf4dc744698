"""Fixtures for every test: nothing is left running, /dev/null survives, no setting leaks in."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("helpers.commands", "helpers.processes")

from helpers import components, groups, processes  # noqa: E402 -- only what comes later is rewritten

# In CI always the same examples: a change must not fail for what another run would have found.
settings.register_profile("suite", deadline=None, database=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("suite")
_GROUPS = pytest.StashKey[set[Path]]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold `@pytest.mark.root(reason="…")` to its word: whoever is not root skips the test, for that reason."""
    marker = item.get_closest_marker("root")
    if marker:
        components.only_root(*marker.args, **marker.kwargs)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember which control groups of services there are."""
    session.config.stash[_GROUPS] = groups.kept()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what the tests' services leave: an empty group is removed by the next run, which never comes here.

    Only once all workers have ended: a group without a process may be that of a start.
    """
    if not hasattr(session.config, "workerinput"):
        for group in groups.kept() - session.config.stash[_GROUPS]:
            groups.remove(group)


for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:  # of nohup or of a shell: what we test would inherit it
        signal.signal(_number, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI an ordinary user skips nothing but what the marker `root` names."""
    report = yield
    if report.skipped and components.required() and os.geteuid() and not item.get_closest_marker("root"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_COMPONENTS=1, but skipped without the marker root: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _plain_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("WATCHDOG_", "NOTIFY_SOCKET", "LISTEN_", "PYTHON")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _dev_null_survives() -> Iterator[None]:
    """A test that renames or chmods onto /dev/null as root breaks the whole machine: say so."""
    yield
    found = os.stat("/dev/null")  # noqa: PTH116 -- one fact, not a path
    assert stat.S_ISCHR(found.st_mode), "/dev/null is no longer a character device"
    assert stat.S_IMODE(found.st_mode) == 0o666, f"/dev/null has mode {stat.S_IMODE(found.st_mode):o}"


@pytest.fixture(autouse=True)
def leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the test a token that its processes inherit; afterwards none of them, nor a fork, lives.

    Those that do are ended first, so that a failure leaves none. What dies with its parent has
    half a second for it.
    """
    token = f"wdt-{uuid.uuid4().hex}"
    monkeypatch.setenv(processes.TOKEN, token)
    before = {fork.pid for fork in processes.forks()}
    yield token

    def left() -> list[processes.Seen]:
        return processes.carriers(token) + [fork for fork in processes.forks() if fork.pid not in before]

    with contextlib.suppress(AssertionError):
        processes.wait_for(lambda: not left(), 0.5)
    found = left()
    for seen in found:
        processes.end(seen)
    processes.end_carriers(token)
    assert not found, f"left running: {found}"


@pytest.fixture
def spawn(leaves_nothing: str) -> Iterator[processes.Spawner]:
    """Start real processes: `spawn([…])`, `spawn([…], wait_ready=True)`; all are reaped later."""
    del leaves_nothing  # named, so that it looks after these have been ended
    spawner = processes.Spawner()
    yield spawner
    spawner.end()


@pytest.fixture
def starts_services(leaves_nothing: str) -> Iterator[str]:
    """End, by pid, what the test's `ensure-running` left running on purpose. Return the token.

    With --clean-env the service has no token in its environment: put it in an argument.
    """
    yield leaves_nothing
    processes.end_carriers(leaves_nothing)


@pytest.fixture
def public_path() -> Iterator[Path]:
    """Return a directory like tmp_path, but one that other users can enter (that one is 0700)."""
    path = Path(tempfile.mkdtemp(prefix="wdt-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
