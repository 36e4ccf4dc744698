"""Short rounds of what scripts/soak plays at length, each in namespaces of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import releases
from helpers.commands import command
from helpers.components import PLACES, lacking, need, need_nobody, need_works

pytestmark = [pytest.mark.slow, pytest.mark.root(reason="makes a pid namespace")]
OWNERS = pytest.mark.parametrize("owner", ["root", "user"])


def play(module: str, *words: str, timeout: float) -> str:
    """Play it, and return what it said; fail where a promise was broken."""
    env = {"PATH": PLACES, "WDT_TEST_TOKEN": os.environ["WDT_TEST_TOKEN"]}
    done = subprocess.run(
        [sys.executable, "-m", f"helpers.{module}", *words], cwd=Path(__file__).parent.parent, env=env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def need_namespaces(owner: str = "root") -> list[str]:
    """Go on only where there can be a world of its own, for that owner. Return the words that say whose it is."""
    need("flock")
    need("ip")
    need_works("unshare", "-pfmn", "--mount-proc", "mount", "-t", "tmpfs", "none", "/mnt")
    if owner != "user":
        return []
    need_nobody(command("ensure-running"))
    return ["--user"]


def test_a_service_survives_a_storm_with_one_instance_at_a_time() -> None:
    """Never two, never none for longer than policy says, each run one line in time, and nothing is left."""
    need("faketime")
    need_namespaces()
    said = play("nemesis", "--minutes", "0.33", "--seed", "11", timeout=200)
    assert said.splitlines()[-1].endswith("no problem"), said
    assert "kill service" in said, said


@pytest.mark.timeout(300)
@OWNERS
def test_176_to_189_services_that_could_be_taken_for_each_other_keep_what_is_their_own(owner: str) -> None:
    """One name, a copied state, another root, forgers, start scripts: never two, none ended by another's run."""
    scenes = ("shared", "copied", "chroot", "forged", "daemons", "script")
    said = play("outside", "--minutes", "0.2", "--seed", "7", *need_namespaces(owner), *only(scenes), timeout=250)
    assert said.splitlines()[-1].endswith("no problem"), said


@pytest.mark.timeout(300)
@pytest.mark.parametrize("where", ["root", "user", "docker", "none"])
def test_181_182_183_all_of_a_service_is_gone_before_stopped_is_said_or_another_one_begins(where: str) -> None:
    """Wrappers and masters killed alone, with their workers stopped; with --kill-mode process no run ends a job.

    As root with control groups, where they are read-only, and with --containment none; as an ordinary user.
    """
    need("su")
    need("runuser")
    words = {"docker": ["--docker"], "none": ["--containment", "none"]}.get(where, need_namespaces(where))
    scenes = ("wrappers", "orphans", "modes")
    said = play("outside", "--minutes", "0.2", "--seed", "3", *words, *only(scenes), timeout=250)
    assert said.splitlines()[-1].endswith("no problem"), said


def only(scenes: tuple[str, ...]) -> list[str]:
    """Return the words that say which scenes are played."""
    return [word for scene in scenes for word in ("--only", scene)]


@pytest.mark.timeout(300)
@OWNERS
def test_an_earlier_release_s_services_are_kept_and_it_keeps_ours(owner: str) -> None:
    """Upgrades and downgrades while runs begin each second: nobody is started, stopped, held or taken for failing."""
    words = need_namespaces(owner)
    if why := releases.unavailable():
        lacking(why)
    said = play("upgrade", "--flips", "3", *words, timeout=250)
    assert said.splitlines()[-1].endswith("no problem"), said


@pytest.mark.timeout(300)
def test_184_what_forks_away_at_once_is_found_and_not_started_beside() -> None:
    """Whatever the parent exits with, on a busy machine: both runs name what it became, and there is one."""
    need_namespaces()
    said = play("starts", "--starts", "24", timeout=250)
    assert "24 starts of programs that fork away, four abreast under four busy loops: 0 failed" in said, said


@pytest.mark.timeout(300)
def test_185_an_instance_in_the_middle_of_an_exec_is_adopted() -> None:
    """Its environment is empty for a moment; without a record it is found by its mark all the same."""
    need_namespaces()
    assert "60 adoptions of an instance that execs: 0 failed" in play("starts", "--adoptions", "60", timeout=250)
