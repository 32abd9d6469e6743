"""Says beforehand when the port that JupyterLab is about to ask for is taken: Jupyter moves on to the next one with a
line that is easy to miss, and a bookmark then leads to somebody else's server.
"""

from __future__ import annotations

import argparse
import socket
import sys


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
parser.add_argument("--port", "--ServerApp.port", type=int, default=8888)
options, _ = parser.parse_known_args()

if options.port and taken(options.port):
    sys.stderr.write(
        f"Port {options.port} is taken, perhaps by another Jupyter. JupyterLab will use the next free port; its "
        f"address is printed below.\nTo choose one yourself: ./run --port {options.port + 100}\n"
    )
