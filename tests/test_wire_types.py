"""The front end's types say what the server sends.

Each shape of the wire is written as a sample, once with everything and once with nothing that may be left out, into a
TypeScript file that is compiled with the front end's tests. A field that only one side knows fails there.

After a change of the wire: `JS_WRITE=1 ./test -k wire_types`, then the TypeScript of `labextension/src/core/model.ts`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from jupyter_sessions.wire import GoneView, LogEntryView, LogView, SessionListView, SessionView

TARGET = Path(__file__).parent.parent / "labextension/tests/wire.ts"
SHAPES = {
    "Session": SessionView,
    "Gone": GoneView,
    "SessionPage": SessionListView,
    "LogEntry": LogEntryView,
    "LogPage": LogView,
}
#: Texts of which the type says less than the API does.
WORDS = {"total_is": "at_least", "level": "warn"}
HEAD = "// Written by tests/test_wire_types.py from the server's own types: what it sends must satisfy ours.\n\n"


def sample(kind: inspect.Type, full: bool, name: str = "") -> Any:
    match kind:
        case inspect.Metadata(type=inner):
            return sample(inner, full, name) if not kind.extra_json_schema else documented(kind.extra_json_schema)
        case inspect.UnionType(types=types):
            if not full and any(isinstance(one, inspect.NoneType) for one in types):
                return None
            chosen = [one for one in types if not isinstance(one, inspect.NoneType)]
            return sample(chosen[0], full, name)
        case inspect.StructType(fields=fields):
            return {
                field.encode_name: sample(field.type, full, field.name)
                for field in fields
                if full or not may_be_absent(field)
            }
        case inspect.ListType(item_type=item):
            return [sample(item, full)]
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.StrType():
            return WORDS.get(name, "text")
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.5
    raise AssertionError(f"no sample for {kind}")


def documented(schema: dict[str, Any]) -> Any:
    return {"key": "value"} if schema.get("type") == "object" else "2026-11-21T14:02:10.5Z"


def may_be_absent(field: inspect.Field) -> bool:
    return not field.required and field.default is msgspec.NODEFAULT


def typescript() -> str:
    lines = [HEAD, f"import type {{ {', '.join(sorted(SHAPES))} }} from '../src/core/model.js';\n"]
    for name, shape in SHAPES.items():
        for form, full in (("whole", True), ("least", False)):
            value = json.dumps(sample(inspect.type_info(shape), full), indent=2)
            lines.append(f"\nexport const {form}{name} = {value} satisfies {name};\n")
    return "".join(lines)


def test_the_samples_are_those_of_the_wire() -> None:
    if os.environ.get("JS_WRITE"):
        TARGET.write_text(typescript())
    assert TARGET.read_text() == typescript(), "the wire has changed: see the head of this file"


def test_a_field_that_may_be_absent_is_told_from_one_that_may_be_null() -> None:
    least = sample(inspect.type_info(SessionView), full=False)
    assert "title" not in least
    assert least["tokens"] is None
