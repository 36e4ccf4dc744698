"""What each format says is an API: golden files named by case, exit code and format hold it.

`UPDATE_GOLDEN=1 ./scripts/test tests/outputs/test_outputs.py` writes them anew; read the difference, then commit.
"""

from __future__ import annotations

import json as parser
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result, exit_code, negated, unpack
from watchdog_tools.core.thresholds import Range
from watchdog_tools.outputs import FORMATS, Invocation, render

GOLDEN = Path(__file__).parents[1] / "golden"

CASES = {
    "port-open": Result(
        OK, "127.0.0.1:8080 accepts connections in 0.4 ms", target="127.0.0.1:8080", value=0.000412,
        metrics=[Metric("time", 0.000412, "s", Range("1"), Range("5"), 0, 10)], details={"address": "127.0.0.1"},
    ),
    "port-refused": Result(CRITICAL, "127.0.0.1:1: refused", reason="refused", target="127.0.0.1:1", value=0),
    "degraded": Result(WARNING, "1 process agent is stopped (T)", target="agent", metrics=[Metric("procs", 1)]),
    "blind": Result(UNKNOWN, "cannot see other users' processes", reason="blind", target="agent"),
    "hostile": Result(CRITICAL, "it said \x1b[2J\nOK | x=1 é", target="\ud800|", metrics=[Metric("a b|c", 1.5)]),
    "started": Result(OK, "started web (pid 42)", reason="started", target="web", details={"name": "web", "pid": 42}),
}  # fmt: skip
RUN = Invocation(name="check-port", label="PORT", started=1e9, duration=0.0125, host="h1", verbose=False)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, form: str) -> None:
    """The very bytes that consumers parse."""
    result = CASES[case]
    file = GOLDEN / f"{case}.{exit_code('nagios', result.state, result.reason)}.{form}"
    line = "\n".join(render(form, result, RUN)) + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(line)
    assert line == file.read_text()


def test_no_golden_file_is_left_over() -> None:
    """A file that no case reads protects nothing."""
    assert len([file for file in GOLDEN.iterdir() if file.suffix[1:] in FORMATS]) == len(CASES) * len(FORMATS)


TEXT = st.text(max_size=2000)
RESULTS = st.builds(
    Result,
    st.sampled_from([OK, WARNING, CRITICAL, UNKNOWN]),
    TEXT,
    reason=TEXT,
    target=TEXT,
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    metrics=st.lists(
        st.builds(Metric, TEXT | st.text("|='; "), st.floats(0, 1e15), st.sampled_from(["s", "B", ""])), max_size=40
    ),
)


@given(RESULTS)
def test_text_is_one_line_with_one_bar(result: Result) -> None:
    """P1 and P9: at most 1 KiB, printable, one `|` before perfdata and none without."""
    (line,) = render("text", result, RUN)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 1024
    assert line.count("|") <= 1
    assert bool(result.metrics) >= ("|" in line)


@given(RESULTS)
def test_json_is_one_object(result: Result) -> None:
    """One line, ASCII, parseable, with the keys of the schema, in every case."""
    (line,) = render("json", result, RUN)
    assert line.isascii()
    assert "\n" not in line
    assert list(parser.loads(line)) == [
        "schema", "check", "name", "target", "state", "reason", "summary", "metrics", "started", "duration", "host",
        "details",
    ]  # fmt: skip


@given(RESULTS)
def test_a_result_survives_the_pipe(result: Result) -> None:
    """What a looker sends is what the guard prints."""
    again = unpack(result.pack())
    assert again.pack() == result.pack()


def test_negation_swaps_two_states_alone() -> None:
    """WARNING and UNKNOWN stay what they are."""
    assert [negated(Result(state, "x")).state for state in (OK, WARNING, CRITICAL, UNKNOWN)] == [2, 1, 0, 3]
