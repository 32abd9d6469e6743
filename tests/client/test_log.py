"""Appending to a log, reading it, following it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from jupyter_sessions.client import Client, Session
from jupyter_sessions.errors import Invalid, SessionNotFound, TooLarge

RING = 10_000


def test_a_line_is_kept_with_level_and_data(session: Session) -> None:
    session.log("the fare service is slow", level="warn", data={"seconds": 4.2})
    (entry,) = session.logs()

    assert (entry.index, entry.level, entry.message) == (0, "warn", "the fare service is slow")
    assert entry.data == {"seconds": 4.2}
    assert abs(datetime.now(timezone.utc) - entry.timestamp) < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("two\nlines", "two\nlines"),
        ("", ""),
        (42, "42"),
        (b"bytes \xff", "bytes \ufffd"),
        (ValueError("wrong"), "ValueError: wrong"),
        ("half \ud83d", "half ?"),
    ],
)
def test_anything_with_a_text_is_a_line(session: Session, message: object, kept: str) -> None:
    session.log(message)
    assert [entry.message for entry in session.logs()] == [kept]


def test_an_iterable_is_many_lines(session: Session) -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
    session.log(
        [
            "plain",
            {"message": "own", "level": "error", "logger": "app", "timestamp": when},
            {"format": "{a}!", "fields": {"a": 1}},
        ],
        level="info",
        data={"all": True},
    )
    plain, own, structured = session.logs()

    assert (plain.level, plain.data) == ("info", {"all": True})
    assert (own.level, own.logger, own.timestamp, own.data) == ("error", "app", when, {"all": True})
    assert (structured.message, structured.level) == ("1!", "info")


def test_an_iterable_runs_in_the_callers_thread_and_may_record_too(session: Session) -> None:
    def lines() -> Iterator[str]:
        session.log("from inside")
        yield threading.current_thread().name

    session.log(lines())

    assert [entry.message for entry in session.logs()] == ["from inside", threading.current_thread().name]


def test_a_value_that_records_while_it_is_turned_into_text_is_an_error_not_a_hang(
    client: Client, session: Session
) -> None:
    class Talkative:
        def __str__(self) -> str:
            session.log("hello")
            return "x"

    with pytest.raises(RuntimeError, match="wait for itself"):
        client.create("trip", metadata={"a": Talkative()})


def test_a_time_without_a_zone_is_this_machines(session: Session) -> None:
    now = datetime.now()
    session.log({"message": "x", "timestamp": now})

    assert session.logs()[0].timestamp == now.astimezone(timezone.utc)


def test_a_long_iterable_is_read_in_pieces(session: Session) -> None:
    session.log(str(number) for number in range(9_000))
    entries = session.logs(limit=None)

    assert [entry.message for entry in entries] == [str(number) for number in range(9_000)]
    assert [entry.index for entry in entries] == list(range(9_000))
    assert (entries.cursor, entries.total, entries.dropped) == (9_000, 9_000, 0)


def test_reading_goes_on_at_the_cursor(session: Session) -> None:
    session.log(str(number) for number in range(5))
    first = session.logs(limit=2)
    rest = session.logs(cursor=first.cursor)

    assert [entry.message for entry in first] == ["0", "1"]
    assert [entry.message for entry in rest] == ["2", "3", "4"]
    assert session.logs(cursor=rest.cursor) == []
    assert [entry.index for entry in session.logs(limit=2, order="desc")] == [4, 3]


def test_level_and_text_filter(session: Session) -> None:
    session.log([{"message": f"{level} Line", "level": level} for level in ("debug", "info", "warn", "error")])
    session.log("no level")

    assert [entry.level for entry in session.logs(level="warn")] == ["warn", "error"]
    assert [entry.level for entry in session.logs(q="info line")] == ["info"]
    assert session.logs(level="warn").cursor == 5


def test_a_ring_that_has_turned_says_how_much_is_gone(session: Session) -> None:
    session.log(str(number) for number in range(RING + 50))
    entries = session.logs(limit=None)

    assert (len(entries), entries.dropped, entries[0].index) == (RING, 50, 50)
    assert session.logs(cursor=60).dropped == 0


def test_tail_gives_what_is_there_and_stops_when_it_need_not_follow(session: Session) -> None:
    session.log(["a", "b"])

    assert [entry.message for entry in session.tail(follow=False)] == ["a", "b"]
    assert [entry.message for entry in session.tail(follow=False, cursor=1)] == ["b"]


def test_tail_follows_until_the_session_has_ended(client: Client, session: Session) -> None:
    got: list[str] = []
    lines = session.tail(poll=0.01)
    thread = threading.Thread(target=lambda: got.extend(entry.message for entry in lines))
    thread.start()
    writer = client.get(session.id)
    for number in range(20):
        writer.log(str(number))
    writer.end()
    thread.join(10)

    assert got == [str(number) for number in range(20)]
    assert (lines.cursor, lines.dropped) == (20, 0)


def test_tail_filters_and_its_cursor_moves_on(session: Session) -> None:
    session.log([{"message": "x", "level": "info"}, {"message": "y", "level": "error"}, {"message": "z"}])
    session.end()
    lines = session.tail(level="error")

    assert [entry.message for entry in lines] == ["y"]
    assert lines.cursor == 3


def test_a_tail_that_was_too_slow_counts_what_it_missed(session: Session) -> None:
    session.log(str(number) for number in range(RING))
    lines = session.tail(poll=0.01)
    first = next(lines)
    session.log(str(number) for number in range(RING, 2 * RING))
    session.end()
    rest = [entry.index for entry in lines]

    assert first.index == 0
    # What was read before the ring turned, then what is kept; the gap between is counted, nothing is given twice.
    assert rest[-1] == 2 * RING - 1
    assert len(rest) + 1 + lines.dropped == 2 * RING
    assert lines.dropped > 0
    assert sorted(set(rest)) == rest


def test_a_tail_goes_on_after_an_interrupt(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.log("a")
    lines = session.tail(poll=0.01)
    assert next(lines).message == "a"
    with monkeypatch.context() as patch:
        patch.setattr("concurrent.futures.Future.result", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(lines)
    session.log("b")
    session.end()

    assert [entry.message for entry in lines] == ["b"]


def _interrupted(*_: object) -> object:
    raise KeyboardInterrupt


def test_the_tail_of_a_purged_session_says_so(client: Client, session: Session) -> None:
    lines = session.tail(poll=0.01)
    client.purge(session.id)
    with pytest.raises(SessionNotFound):
        next(lines)


def test_one_bad_entry_keeps_its_piece_out(session: Session) -> None:
    with pytest.raises(Invalid, match="Entry 1") as caught:
        session.log([{"message": "ok"}, {"message": "x", "level": "loud"}])
    assert (caught.value.reason, caught.value.detail) == ("bad_level", {"index": 1})
    assert session.logs() == []


def test_limits_are_named(session: Session) -> None:
    with pytest.raises(TooLarge, match="limit is 262144"):
        session.log("x" * 300_000)
    with pytest.raises(TooLarge, match="limit is 65536"):
        session.log("x", data={"a": "x" * 70_000})


def test_what_contains_itself_is_refused(session: Session) -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop
    with pytest.raises(Invalid, match="contains itself"):
        session.log("x", data=loop)


def test_an_iterable_that_fails_keeps_what_it_gave_before_in_whole_pieces(session: Session) -> None:
    def lines() -> Iterator[str]:
        for number in range(5_001):
            yield str(number)
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        session.log(lines())
    assert session.refresh().log_count == 5_000
