"""The file: who may read it, which files are taken, what is said of those that are not, and how large its WAL grows."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from jupyter_sessions.errors import StoreError
from jupyter_sessions.model import LogEntry
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from jupyter_sessions.store.sqlite.schema import VERSION, prepare
from tests.support.stores import T0, Desk, a_session, found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sessions.db"


@pytest.fixture
def open_file(path, loop):
    opened = []

    def open_it(**settings):
        opened.append(Desk(SqliteStore(Settings(str(path), **settings)), loop).open())
        return opened[-1]

    yield open_it
    for desk in opened:
        desk.close()


def make(path, **settings):
    prepare(Settings(str(path), **settings))


def pragma(path, name):
    db = sqlite3.connect(path)
    try:
        return db.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        db.close()


def set_version(path, version):
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# A new file


def test_a_new_file_is_its_owners_alone(path, open_file):
    before = os.umask(0)
    try:
        store = open_file()
        store.insert(a_session("s"))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    finally:
        os.umask(before)


def test_a_new_file_says_which_schema_it_has_and_gives_freed_pages_back(path):
    make(path)
    assert pragma(path, "user_version") == VERSION
    assert pragma(path, "auto_vacuum") == 2
    assert pragma(path, "journal_mode") == "wal"


def test_folders_on_the_way_are_made(tmp_path):
    make(tmp_path / "a" / "b" / "sessions.db")
    assert (tmp_path / "a" / "b" / "sessions.db").exists()


def test_an_empty_file_is_a_new_one(path):
    path.touch()
    make(path)
    assert pragma(path, "user_version") == VERSION


def test_opened_again_it_is_the_same_store(path):
    assert prepare(Settings(str(path))) == prepare(Settings(str(path)))


def test_processes_that_make_it_at_the_same_moment_agree(tmp_path):
    context = multiprocessing.get_context("forkserver")
    barrier, results = context.Barrier(3), context.Queue()
    paths = [tmp_path / f"{n}.db" for n in range(40)]
    processes = [context.Process(target=_prepare_each, args=(paths, barrier, results)) for _ in range(3)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0])) == len(paths)
    assert not any(answer.startswith("refused") for answer in answers[0]), answers


def _prepare_each(paths, barrier, results):
    answers = []
    for path in paths:
        barrier.wait(60)
        try:
            answers.append(prepare(Settings(str(path))))
        except StoreError as exc:
            answers.append(f"refused: {exc.message}")
    results.put(answers)


# Versions


def test_a_file_of_a_newer_major_is_refused_and_not_touched(path):
    make(path)
    set_version(path, 2000)
    before = contents(path.parent)
    with pytest.raises(StoreError, match=r"newer jupyter-sessions \(schema 2000") as refusal:
        make(path)
    assert str(path) in refusal.value.message
    assert contents(path.parent) == before


def test_a_file_of_a_newer_major_is_not_touched_after_a_crash_of_its_writer_either(path, tmp_path):
    """What the other program left in the WAL stays there: moving it is that program's business."""
    make(path)
    set_version(path, 2000)
    script = "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute('PRAGMA wal_autocheckpoint = 0')\n"
    script += "db.execute('CREATE TABLE new(x)')\ndb.commit()\nos._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.with_name("sessions.db-wal").stat().st_size > 0
    before = contents(path.parent)
    with pytest.raises(StoreError, match="newer jupyter-sessions"):
        make(path)
    assert contents(path.parent) == before


def test_a_file_of_a_newer_minor_works_and_keeps_its_version(path, open_file):
    make(path)
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE sessions ADD COLUMN added_later TEXT")
    db.execute("CREATE TABLE added_later(x)")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    store = open_file()
    store.insert(a_session("s"))
    store.append("s", "line")
    assert store.ids() == ["s"]
    assert store.read(lambda view: view.info()).schema == VERSION + 1
    store.close()
    assert pragma(path, "user_version") == VERSION + 1


def test_a_database_of_another_program_is_refused_and_not_touched(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs(x)")
    db.commit()
    db.close()
    before = contents(path.parent)
    with pytest.raises(StoreError, match="another program"):
        make(path)
    assert contents(path.parent) == before


def test_a_database_of_another_program_that_numbers_its_versions_is_refused_too(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs(x)")
    db.execute("PRAGMA user_version = 7")
    db.close()
    before = contents(path.parent)
    with pytest.raises(StoreError, match="another program"):
        make(path)
    assert contents(path.parent) == before


# Damage


@pytest.mark.parametrize("damage", ["garbage", "short garbage", "half", "header only", "zeros inside"])
def test_a_damaged_file_is_named_and_left_as_it_is(path, open_file, damage):
    store = open_file()
    store.insert(*(a_session(f"s{n}", metadata={"n": n}) for n in range(300)))
    store.append("s0", *["x" * 500] * 300)
    store.close()
    whole = path.read_bytes()
    path.write_bytes(
        {
            "garbage": os.urandom(len(whole)),
            "short garbage": b"this is no database",
            "half": whole[: len(whole) // 2],
            "header only": whole[:100],
            "zeros inside": whole[:8192] + bytes(8192 * 8) + whole[8192 * 9 :],
        }[damage]
    )
    before = path.read_bytes()
    with pytest.raises(StoreError) as refusal:
        make(path)
    assert str(path) in refusal.value.message
    assert "damaged" in refusal.value.message
    assert path.read_bytes() == before


def test_a_folder_in_place_of_the_file_is_named(path):
    path.mkdir()
    with pytest.raises(StoreError, match=r"sessions\.db"):
        make(path)


# No permission. Root may do everything, so a child process becomes somebody else first.


@pytest.fixture
def public():
    """A folder that everybody can reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["file", "folder", "parent"])
def test_a_place_that_cannot_be_written_is_named(public, what):
    path = public / "home" / "sessions.db"
    if what == "parent":
        public.chmod(0o555)
    else:
        path.parent.mkdir()
    if what == "file":
        make(path)
        path.chmod(0o444)
    if what == "folder":
        path.parent.chmod(0o555)
    message = refusal_to_nobody(path)
    public.chmod(0o755)
    assert "cannot be written" in message
    assert str(path) in message


def refusal_to_nobody(path):
    """The refusal that a process without rights of its own meets."""
    context = multiprocessing.get_context("forkserver")
    results = context.Queue()
    process = context.Process(target=_prepare_as_nobody, args=(path, results))
    process.start()
    answer = results.get(timeout=30)
    process.join(30)
    return answer


def _prepare_as_nobody(path, results):
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        prepare(Settings(str(path)))
        results.put("no refusal")
    except StoreError as exc:
        results.put(exc.message)


# Journals


@pytest.mark.parametrize("journal_mode", ["delete", "truncate"])
def test_it_works_without_a_wal(path, open_file, journal_mode):
    one, other = open_file(journal_mode=journal_mode), open_file(journal_mode=journal_mode)
    one.insert(a_session("s"))
    for n in range(10):
        (one, other)[n % 2].append("s", str(n))
    assert one.session("s").log_count == other.session("s").log_count == 10
    assert [e.message for e in other.read(lambda view: view.log(found(view, "s").sid, 0, 99)).entries] == [
        str(n) for n in range(10)
    ]
    assert not path.with_name("sessions.db-wal").exists()
    assert pragma(path, "journal_mode") == "delete"


def test_a_file_with_a_wal_can_be_opened_without_one_later_and_back(path, open_file):
    for mode in ("wal", "delete", "wal"):
        store = open_file(journal_mode=mode)
        store.insert(a_session(f"s{len(store.ids())}"))
        store.close()
    assert pragma(path, "journal_mode") == "wal"
    assert len(open_file().ids()) == 3


def test_the_wal_stays_bounded_while_one_writes_on_and_on(path, open_file):
    """A GB passes through it."""
    store = open_file(synchronous="OFF")
    store.insert(a_session("s"))
    wal, largest = path.with_name("sessions.db-wal"), 0
    entries = [LogEntry(T0, "x" * 1000)] * 1000
    for _ in range(300):
        store.write(lambda tx: tx.append_log(found(tx, "s"), entries, 2000))
        largest = max(largest, wal.stat().st_size)
    assert largest < 320 << 20


def test_a_reader_that_stays_long_does_not_let_the_wal_grow_for_ever(path, open_file):
    """While it reads the WAL must grow; afterwards it is cut back."""
    store = open_file(synchronous="OFF")
    store.insert(a_session("s"))
    wal = path.with_name("sessions.db-wal")
    done = threading.Event()

    async def write_beside_a_reader():
        reading = asyncio.ensure_future(store.store.read(lambda view: (view.rev(), done.wait(60))))
        entries = [LogEntry(T0, "x" * 10_000)] * 1000
        while not wal.exists() or wal.stat().st_size < 140 << 20:
            await store.store.write(lambda tx: tx.append_log(found(tx, "s"), entries, 1000))
        done.set()
        await reading

    store.loop.run_until_complete(write_beside_a_reader())
    store.wait_for(lambda: wal.stat().st_size < 16 << 20, seconds=15)


def test_text_that_was_purged_cannot_be_read_from_the_file(path, open_file):
    store = open_file()
    store.insert(a_session("stays"), a_session("goes", metadata={"k": "Zanzibar-secret-in-metadata"}))
    store.append("goes", "Zanzibar-secret-in-log")
    store.append("stays", "Zanzibar-kept")
    store.write(lambda tx: tx.purge(found(tx, "goes")))
    store.close()
    raw = path.read_bytes()
    assert b"Zanzibar-kept" in raw
    assert b"Zanzibar-secret" not in raw
