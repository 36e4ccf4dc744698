"""What a careful attacker tried on ensure-running: each of these once made two, none, or a wrong word."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import command, oracle, run
from helpers.components import NOBODY, lacking, need
from helpers.instances import Kept, marked
from helpers.processes import Spawner, alive, carriers, exit_code_of, look, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def script(room: Path, name: str, text: str) -> str:
    """Write an executable file and return its path."""
    path = room / name
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def fields(kept: Kept, **changes: object) -> None:
    """Change lines of the record."""
    words = kept.record() | {key: str(value) for key, value in changes.items()}
    (kept.state / "svc.record").write_text("".join(f"{key}={value}\n" for key, value in words.items()))


@pytest.mark.parametrize("after", ["0", "0.6"], ids=["at once", "while it is verified"])
def test_a_program_that_becomes_a_daemon_is_not_started_beside(kept: Kept, after: str) -> None:
    """It exits with 0 and leaves a daemon: the runs after it name it, and start no second one."""
    daemon = script(kept.room, "daemon", f"#!/bin/sh\nsleep {after}\nsetsid sleep 60 </dev/null >/dev/null 2>&1 &\n")
    first = kept.run("--port", "127.0.0.1:9", "--startup-timeout", "20s", command=[daemon])
    assert (first.code, "turns itself into a daemon" in oracle(first, 9)) == (2, True), first
    second = kept.run("--port", "127.0.0.1:9", command=[daemon])
    assert (second.code, "not started beside it" in second.out) == (2, True), second
    assert len([event for event in kept.events() if event["event"] == "started"]) == 1


@pytest.mark.root(reason="runs a command as another user")
def test_a_mark_of_a_stranger_does_not_stop_a_repair(kept: Kept, spawn: Spawner) -> None:
    """Anybody can write our mark into an environment of their own; it is not what we left behind."""
    ran = kept.run(command=["/bin/true"])
    assert ran.code == 2, ran
    gone = "4194303:1"
    fields(
        kept, phase="failed", why="daemon", pid=4194303, ticks=1, pidns=_inode("pid"), timens=_inode("time"), since=0
    )
    spawn(["/bin/sleep", "60"], env={"WATCHDOG_TOOLS_INSTANCE": f"{gone}:0:svc:{kept.state}"}, user=NOBODY)
    ran = kept.run()
    assert ran.code == 0, ran
    assert kept.service.one()


def _inode(kind: str) -> str:
    return str(Path(f"/proc/self/ns/{kind}").readlink()).partition("[")[2].rstrip("]")


@pytest.mark.root(reason="runs a command as another user")
def test_one_that_drops_its_rights_in_another_program_is_kept_by_its_record(kept: Kept) -> None:
    """`setpriv … PROGRAM` becomes PROGRAM of another user, whose mark any local user could have written.

    Without a control group, that is: it tells whose the program is, whatever user it has become.
    """
    alone = ("--containment", "none")
    words = [need("setpriv"), "--reuid=65534", "--clear-groups", "sleep", "61"]
    first = kept.run(*alone, command=words)
    assert first.code == 0, first
    (one,) = marked(kept.state)
    assert f"(pid {one.pid}" in kept.run(*alone, command=words).out
    kept.forget()
    second = kept.run(*alone, command=words)
    said = f"pid {one.pid} of uid 65534 carries its mark, which any user can write: not taken for it"
    assert (second.code, said in second.out) == (0, True), second


def test_a_run_that_waited_out_a_backoff_looks_again(kept: Kept, spawn: Spawner) -> None:
    """Somebody else may have started it meanwhile."""
    span = "61.5"
    check = ("--check", f"check-process -a 'sleep {span}'")
    for _ in range(2):
        assert kept.run(*check, command=["/bin/false"]).code == 2
    waiting = subprocess.Popen(
        [command("ensure-running"), *kept.words(), *check, "--", "/bin/sleep", span], stdout=subprocess.PIPE, text=True
    )
    wait_for(lambda: (kept.state / "lock" / "svc.lock").read_bytes().split()[:1] != [b""], 5, "a signature")
    spawn(["/bin/sleep", span])
    said = output_of(waiting, 20)
    assert (waiting.returncode, "is healthy: 1 process" in said) == (0, True), said
    assert len([event for event in kept.events() if event["event"] == "started"]) == 2, "the two that failed"


@pytest.mark.root(reason="a rule for root alone")
def test_107_what_env_finds_is_what_root_executes(kept: Kept) -> None:
    """`#!/usr/bin/env X` and an interpreter's own interpreter are verified like the command itself."""
    evil = kept.room / "evil"
    evil.mkdir()
    script(evil, "mine", "#!/bin/sh\nexec sleep 60\n")
    os.chown(evil, NOBODY, NOBODY)
    by_env = script(kept.room, "by-env", "#!/usr/bin/env mine\n")
    middle = script(kept.room, "middle", f"#!{evil}/mine\n")
    nested = script(kept.room, "nested", f"#!{middle}\n")
    for words in ([by_env], [nested]):
        ran = kept.run(command=words, env={"PATH": f"{evil}:/usr/bin:/bin"})
        assert (ran.code, "refused" in ran.out, str(evil) in ran.out) == (2, True, True), ran
    assert not marked(kept.state)


@pytest.mark.root(reason="a rule for root alone")
def test_107_a_log_below_another_user_s_directory_is_refused(kept: Kept) -> None:
    """A link of theirs would lead what root writes into any directory."""
    theirs = kept.room / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    ran = kept.run("--log", theirs / "log")
    assert (ran.code, "refused" in ran.out, "writes" in ran.out) == (2, True, True), ran
    assert kept.run("--log", theirs / "log", "--allow-unsafe-path").code == 0


def test_a_plugin_s_own_process_group_ends_with_its_look(kept: Kept) -> None:
    """`timeout 60 check_x` is what every admin writes, and timeout makes a group of its own."""
    words = "61.25"
    kept.run("-t", "0.5", "--startup-timeout", "0.2", "--check", f"timeout 60 sleep {words}")
    assert [seen for seen in carriers(os.environ["WDT_TEST_TOKEN"]) if words in " ".join(seen.argv)] == []


def test_a_start_command_that_is_a_fifo_hangs_nobody(kept: Kept) -> None:
    """Reading its first line must not wait for a writer while the lock is held."""
    os.mkfifo(kept.room / "fifo", 0o755)
    ran = kept.run(command=[str(kept.room / "fifo")])
    assert ran.code == 2, ran
    oracle(ran, 5)


def test_95_a_oneshot_service_that_dies_again_backs_off(kept: Kept) -> None:
    """A start command that succeeds is a start like any other; ten minutes of life reset the count."""
    flag = kept.room / "up"
    plugin = script(kept.room, "plugin", f"#!/bin/sh\n[ -e {flag} ] && exit 0\nexit 2\n")
    check = ("--check", plugin, "--oneshot", "--startup-timeout", "20s")
    for _ in range(4):
        ran = kept.run(*check, command=["/usr/bin/touch", str(flag)])
        assert ran.code == 0, ran
        flag.unlink()
    ran = kept.run(*check, "--backoff", "1m:1m", command=["/usr/bin/touch", str(flag)])
    assert (ran.code, "backing off" in ran.out) == (2, True), ran


def test_91_an_overdue_oneshot_command_of_a_killed_run_is_ended(kept: Kept) -> None:
    """Its run was killed and it never returns: the next run past its time ends it, and says so."""
    options = ("--oneshot", "--startup-timeout", "20s", "--port", "127.0.0.1:9")
    words = [command("ensure-running"), *kept.words(), *options, "--", "/bin/sleep", "62"]
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL, process_group=0)
    wait_for((kept.state / "svc.record").exists, 5, "a record")
    actor = int((kept.state / "lock" / "svc.lock").read_bytes().split()[0])
    hanging = kept.pid()
    os.kill(actor, signal.SIGKILL)
    exit_code_of(first, 10)
    fields(kept, since=max(int(kept.record()["since"]) - 20_000, 1))  # its time is over
    ran = kept.run(*options, command=["/bin/true"])
    assert (ran.code, "did not return within 20 s" in ran.out) == (2, True), ran
    assert not alive(hanging)


def test_91_a_oneshot_command_in_flight_is_found_without_state(kept: Kept) -> None:
    """Its run was killed and all state deleted: at most one start is in flight, and no run starts another."""
    options = ("--oneshot", "--port", "127.0.0.1:9")
    words = [command("ensure-running"), *kept.words(), *options, "--", *kept.service.command]
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL, process_group=0)
    pid = int(wait_for(kept.service.said, 10, "the command")[0][1])
    os.kill(int((kept.state / "lock" / "svc.lock").read_bytes().split()[0]), signal.SIGKILL)
    exit_code_of(first, 10)
    kept.forget()
    for _ in range(2):
        ran = kept.run(*options)
        assert (ran.code, f"start in progress (pid {pid})" in ran.out) == (1, True), ran
    assert kept.service.one() == pid


@pytest.mark.parametrize("phase", ["failed", "ended", "starting"])
def test_a_time_ahead_holds_nothing_down(kept: Kept, phase: str) -> None:
    """A record of another time namespace, or a lie: the service is up after one run, and no run waits for it."""
    assert kept.run().code == 0
    pid = kept.service.one()
    if phase != "starting":
        kept.kill(pid)
        kept.service.journal.unlink()
    fields(kept, phase=phase, since=9999999999999)
    ran = kept.run()
    assert ran.code == 0, ran
    oracle(ran, 5)
    assert kept.service.one()


def test_a_big_environment_does_not_hide_the_mark(kept: Kept) -> None:
    """It stands in front, so that it is found however much stands behind it."""
    env = {"PATH": "/usr/bin:/bin", **{f"BIG{i}": "x" * 110_000 for i in range(4)}}
    assert kept.run(env=env).code == 0
    kept.forget()
    ran = kept.run(env=env)
    assert (ran.code, "adopted" in ran.out) == (0, True), ran


def test_the_mark_of_one_whose_main_thread_has_ended(kept: Kept) -> None:
    """Its process lives on in another thread, and shows its environment only there."""
    program = script(
        kept.room, "threads.py",
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n",
    )  # fmt: skip
    words = [sys.executable, program]
    assert kept.run("--allow-unsafe-path", command=words).code == 0
    pid = kept.pid()
    kept.forget()
    ran = kept.run("--allow-unsafe-path", command=words)
    assert (ran.code, f"adopted svc (pid {pid})" in ran.out) == (0, True), ran


def test_a_pidfile_of_a_wrapper_is_that_of_the_instance(kept: Kept) -> None:
    """`nice` becomes another program, but the pid is the one that we recorded."""
    pidfile = kept.room / "pid"
    program = script(kept.room, "program", f"#!/bin/sh\necho $$ >{pidfile}\nexec sleep 60\n")
    for _ in range(2):
        ran = kept.run("--pidfile", pidfile, command=["/usr/bin/nice", "-n", "1", program])
        assert (ran.code, "the instance itself" in ran.out) == (0, True), ran


@pytest.mark.parametrize("option", ["--check", "--requires", "--on-hold", "--before-restart"])
@pytest.mark.parametrize(("line", "named"), [("a | b", "a pipe"), ("a\nb", "a line break"), ("a & b", "&")])
def test_what_is_refused_is_named_as_it_was_written(kept: Kept, option: str, line: str, named: str) -> None:
    """No line has a `|` but in front of perfdata; what stands there for it is a word, not another character."""
    ran = kept.run("--port", ":1", option, line)
    said = oracle(ran, 1)
    assert (ran.code, f"{option}: no shell reads it, so {named} would be a word like any other" in said) == (3, True), (
        ran
    )
    assert "|" not in said


@pytest.mark.parametrize(
    "line",
    ["test -e /x && true", "a | b", "a; b", "a > /tmp/x", "echo $HOME", "echo `id`", "FOO=1 check-port :1", "(true)"],
)
def test_shell_syntax_in_a_check_is_refused(kept: Kept, line: str) -> None:
    """Passed on as words it would make a verdict by accident, and a start."""
    ran = kept.run("--check", line)
    assert (ran.code, "no shell reads it" in oracle(ran, 1)) == (3, True), ran
    assert not kept.service.said()


@pytest.mark.parametrize("line", ["sh -c 'true && true'", r"echo a\&b", 'echo "a|b"', "echo x=1"])
def test_quoted_syntax_is_text(kept: Kept, line: str) -> None:
    """As on the shell."""
    assert kept.run("--check", line).code == 0


def test_a_look_that_would_act_is_refused(kept: Kept) -> None:
    """ensure-running within a --check would start things, also in a dry run."""
    ran = kept.run("--dry-run", "--check", f"ensure-running other --state-dir {kept.state} -- sleep 60")
    assert (ran.code, "is not a check" in ran.out) == (3, True), ran
    assert not list(kept.state.glob("other*"))


def test_somebody_s_own_plugin_of_our_name_is_run(kept: Kept) -> None:
    """`/opt/x/check-port` is not our check-port."""
    ran = kept.run("--check", script(kept.room, "check-port", "#!/bin/sh\necho their own\n"))
    assert (ran.code, "their own" in ran.out) == (0, True), ran


def test_a_dry_run_calls_a_healthy_service_healthy(kept: Kept) -> None:
    """Its verdict is the service's, whatever the record needs."""
    (kept.state / "svc.record").write_text("garbage")
    ran = kept.run("--dry-run", "--check", "true")
    assert (ran.code, "svc is healthy" in ran.out) == (0, True), ran
    assert not kept.service.said()


def test_the_state_of_a_time_out_is_the_user_s_word(kept: Kept) -> None:
    """-t 0.3:unknown: who asked for UNKNOWN does not want a start."""
    ran = kept.run("-t", "0.3:unknown", "--check", "sleep 5")
    assert ran.code == 3, ran
    assert not kept.service.said()


def test_degraded_is_not_called_healthy(kept: Kept) -> None:
    """Exit 1 is WARNING to the plugin API, and the words say so."""
    ran = kept.run("--check", "false")
    assert (ran.code, "is degraded: false said nothing (exit 1)" in ran.out) == (1, True), ran


def test_figures_of_several_checks_have_labels_of_their_own(kept: Kept) -> None:
    """Perfdata with one label twice is one graph with two lines in it."""
    first = kept.run("--process", "cat", "--port", "127.0.0.1:9", "--port", "127.0.0.1:10", "--startup-timeout", "0.1s")
    labels = [datum.partition("=")[0] for datum in first.out.partition("|")[2].split()]
    assert len(labels) == len(set(labels)) >= 2, first


def test_10_a_stopped_instance_is_degraded(kept: Kept) -> None:
    """Alive by its record, and doing nothing."""
    kept.run()
    pid = kept.service.one()
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: (seen := look(pid)) and seen.state == "T", 5, "its stop")
    ran = kept.run()
    assert (ran.code, "stopped (T)" in ran.out) == (1, True), ran


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize(("mode", "said"), [("group", "left behind by an earlier instance, was ended"),
                                            ("process", "an earlier instance left pid {} running")])  # fmt: skip
def test_184_what_a_dead_instance_left_running(kept: Kept, mode: str, said: str, forget: bool) -> None:
    """Its workers may hold its port: they end before the next start; or are named, where they are to live on."""
    program = script(kept.room, "program", f"#!/bin/sh\nsleep 63 &\necho $! >{kept.room}/worker\nexec sleep 60\n")
    assert kept.run("--kill-mode", mode, command=[program]).code == 0
    worker = kept.pid_in("worker")
    kept.kill()
    if forget:
        kept.forget()
    ran = kept.run("--kill-mode", mode, command=[program])
    assert (ran.code, said.format(worker) in ran.out) == (0, True), ran
    assert alive(worker) is (mode == "process")
    noted = [event["pids"] for event in kept.events() if event["event"] == "stopped"]
    assert noted == ([[worker]] if mode == "group" else [])


@pytest.mark.parametrize("mode", ["group", "process"])
@pytest.mark.parametrize("way", ["mark", "session", pytest.param("group", marks=pytest.mark.root(reason="cgroups"))])
def test_184_a_dry_run_names_what_the_next_run_finds(kept: Kept, way: str, mode: str) -> None:
    """By whatever leads to it: its mark, its session, its control group; what would end, and what would live on."""
    if way == "group" and not groups.possible():
        lacking("there is no cgroup2 that can be written")
    before = {"mark": "setsid", "session": "env -i", "group": "env -i setsid"}[way]
    program = script(
        kept.room, "program", f"#!/bin/sh\n{before} sleep 63 & echo $! >{kept.room}/worker\nexec sleep 60\n"
    )
    words = ("--kill-mode", mode, "--containment", "auto" if way == "group" else "none", "--backoff", "0s:0s")
    assert kept.run(*words, command=[program]).code == 0
    worker = kept.pid_in("worker")
    wait_for(lambda: (seen := look(worker)) and seen.argv[0] == "sleep", 5, "the worker")
    kept.kill()
    dry = kept.run("--dry-run", *words, command=[program])
    end = f"would end what an earlier instance left behind (pid {worker}), and start: "
    leave = f"would leave what an earlier instance left behind running (pid {worker}), and start: "
    assert (end in dry.out, leave in dry.out, alive(worker)) == (mode == "group", mode == "process", True), dry
    assert kept.run(*words, command=[program]).code == 0
    assert alive(worker) is (mode == "process")


def test_negate_holds_for_a_time_out() -> None:
    """What must not be reachable shows itself by silence, behind most firewalls; a time-out has its figure, too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        words = ["check-http", f"http://127.0.0.1:{silent.getsockname()[1]}/", "-t", "1"]
        plain, negated = run(*words), run(*words, "--negate")
    assert (plain.code, "| time=1s" in plain.out) == (2, True), plain
    assert negated.code == 0, negated
