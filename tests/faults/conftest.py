from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.jupyter import JupyterServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def server_at(tmp_path: Path) -> Iterator[Callable[..., JupyterServer]]:
    """Makes servers, each in a directory of its own, and takes care that none outlives the test."""
    made: list[JupyterServer] = []

    def make(name: str, *args: str, **options: Any) -> JupyterServer:
        made.append(JupyterServer(tmp_path / name, *args, **options))
        return made[-1]

    yield make
    for server in made:
        server.kill()


class SmallDisk:
    """A file system of its own, of a few MB, in memory."""

    def __init__(self, where: Path, megabytes: int) -> None:
        self.where = where
        self.where.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(where))

    def fill(self, leave: int) -> None:
        """Put a file there that leaves this many bytes."""
        state = os.statvfs(self.where)
        free = state.f_bavail * state.f_bsize
        (self.where / "ballast").write_bytes(bytes(max(0, free - leave)))

    def free(self) -> None:
        (self.where / "ballast").unlink()

    def make_read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.where))

    def remove(self) -> None:
        _run("umount", "-l", str(self.where))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path, server_at: Callable[..., JupyterServer]) -> Iterator[Callable[[int], SmallDisk]]:
    """Made before any server and removed after all of them."""
    disks: list[SmallDisk] = []

    def make(megabytes: int) -> SmallDisk:
        try:
            disks.append(SmallDisk(tmp_path / "disk", megabytes))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root may mount a small disk")
        return disks[-1]

    yield make
    for disk in disks:
        disk.remove()
