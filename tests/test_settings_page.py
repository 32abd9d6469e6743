"""`docs/settings.md` says what the traits say. After changing one: `JS_WRITE=1 ./test -k settings_page`."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_sessions.server.extension import SessionsExtension

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Each is set in `jupyter_server_config.py` as `c.SessionsExtension.NAME = value`, or for one start as
`--SessionsExtension.NAME=value`. Sizes are bytes, times are seconds unless the name says days.
`JUPYTER_SESSIONS_DEBUG=1` in the environment logs more.

| Name | Default | What it does |
|---|---|---|
"""


def page() -> str:
    traits = SessionsExtension.class_own_traits(config=True)
    rows = [f"| `{name}` | `{trait.default()!r}` | {trait.help} |" for name, trait in traits.items()]
    return HEAD + "\n".join(rows) + "\n"


def test_every_setting_has_a_help_text_and_stands_on_the_page():
    assert all(trait.help for trait in SessionsExtension.class_own_traits(config=True).values())
    if os.environ.get("JS_WRITE"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()
