"""Where the data of this user lies. Both the server and a script without one ask here."""

from __future__ import annotations

import os

#: Names another file than the default one, to the server and to scripts alike.
STORE_VARIABLE = "JUPYTER_SESSIONS_DB"


def default_store_path() -> str:
    """`JUPYTER_SESSIONS_DB`, or `jupyter_sessions/sessions.db` in Jupyter's data directory."""
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return os.path.abspath(os.path.expanduser(named))
    from jupyter_core.paths import jupyter_data_dir  # not free to import, and not always asked for

    return os.path.join(jupyter_data_dir(), "jupyter_sessions", "sessions.db")
