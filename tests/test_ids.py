from __future__ import annotations

import re
import time
import uuid

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jupyter_sessions.errors import Invalid
from jupyter_sessions.ids import MAX_LENGTH, RESERVED, alias_of, new_id, parse_id, parse_reference

texts = st.text(min_size=1, max_size=MAX_LENGTH)
oids = st.text("0123456789abcdefABCDEF", min_size=24, max_size=24)
safe_ids = st.from_regex(r"[A-Za-z0-9._:@-]{1,60}", fullmatch=True)


def accepted(text: str) -> bool:
    try:
        parse_id(text)
    except Invalid:
        return False
    return True


@given(texts)
def test_an_id_is_kept_as_it_came_unless_it_is_an_oid(text):
    assume(accepted(text))
    folded = parse_id(text)
    assert folded == (text.lower() if re.fullmatch(r"[0-9a-fA-F]{24}", text) else text)
    assert parse_id(folded) == folded


@given(oids)
@example("ABCDEFabcdef012345678901")
def test_an_oid_is_one_session_in_any_case(oid):
    assume(oid != "0" * 24)
    assert parse_id(oid) == parse_id(oid.upper()) == parse_id(oid.lower()) == oid.lower()


@given(safe_ids)
def test_an_id_that_a_path_carries_needs_no_alias(text):
    assume(accepted(text) and text.strip("."))
    assert alias_of(text) is None


@given(texts)
def test_an_alias_is_given_exactly_where_a_path_would_mangle_the_id(text):
    assume(accepted(text))
    alias = alias_of(parse_id(text))
    safe = re.fullmatch(r"[A-Za-z0-9._:@-]+", text) and text.strip(".")
    assert (alias is None) == bool(safe)
    if alias is not None:
        assert re.fullmatch(r"~[a-z2-7]{24}", alias)
        assert alias == alias_of(parse_id(text))
        assert parse_reference(alias) == alias
        assert not accepted(alias)


@given(texts, texts)
def test_two_ids_have_two_aliases(one, other):
    assume(one != other and accepted(one) and accepted(other))
    aliases = {alias_of(one), alias_of(other)} - {None}
    assert len(aliases) == sum(alias_of(text) is not None for text in (one, other))


@given(texts)
def test_a_reference_is_an_id_or_an_alias(text):
    assume(not text.startswith("~") and accepted(text))
    assert parse_reference(text) == parse_id(text)


@given(texts, st.sampled_from([*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\ud800", "\udfff"]))
def test_an_id_with_a_control_character_is_refused(text, control):
    with pytest.raises(Invalid, match="control"):
        parse_id(f"{text[: MAX_LENGTH - 1]}{control}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed_id"),
        ("x" * (MAX_LENGTH + 1), "malformed_id"),
        ("~abc", "malformed_id"),
        ("~", "malformed_id"),
        ("0" * 24, "malformed_id"),
        *((word, "reserved_id") for word in sorted(RESERVED)),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(text, reason):
    with pytest.raises(Invalid) as refusal:
        parse_id(text)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("text", ["x" * MAX_LENGTH, ".", "..", "a/b", "a b", "Ünïcödé", "日本", "%2F", "WS", "0" * 23])
def test_ids_that_clients_bring(text):
    assert parse_id(text) == text


def test_the_alias_is_the_same_on_every_machine_for_ever():
    assert alias_of("build/42") == "~o2afmjxaqhlxvipjqvpwmfkt"


def test_our_own_ids_are_uuids_that_sort_by_time():
    before = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(100)]
    after = time.time_ns() // 1_000_000
    assert len(set(ids)) == 100
    for text in ids:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
        assert before <= parsed.int >> 80 <= after
        assert parse_id(text) == text
        assert alias_of(text) is None
    assert [uuid.UUID(text).int >> 80 for text in ids] == sorted(uuid.UUID(text).int >> 80 for text in ids)
