"""A flood of log lines: a body that is too large costs no memory, and many that are not cost no more than the ring."""

from __future__ import annotations

import contextlib
import threading
import time

MIB = 1 << 20


@contextlib.contextmanager
def memory_of(server):
    """The largest resident size seen within the block, above the one before it, in MiB."""
    before, seen, over = server.memory(), [], threading.Event()

    def watch():
        while not over.wait(0.01):
            seen.append(server.memory() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: max(seen) / MIB
    finally:
        over.set()
        thread.join()


def warmed_up(server):
    server.post("sessions/s0", json={"appname": "flood"})
    for _ in range(5):
        append(server, b"x" * 1000)
    return server


def append(client, body):
    return client.post("sessions/s0/log", content=body, headers={"Content-Type": "text/plain"})


def test_one_body_of_100_mb_is_refused_by_its_size_and_costs_no_memory(server_at):
    server = warmed_up(server_at("home").start())
    with memory_of(server) as most:
        for size in ({"Content-Length": str(100 * MIB)}, {}):  # announced, and in chunks
            pieces = (bytes(MIB) for _ in range(100))
            with server.client(timeout=60) as client:
                answer = client.post("sessions/s0/log", content=pieces, headers={"Content-Type": "text/plain"} | size)
            assert answer.status_code == 413
            assert answer.json()["reason"] == "too_large"
            assert answer.json()["detail"]["limit"] == 10 * MIB
    assert most() < 40
    row = server.get("sessions/s0").json()
    assert row["log_count"] == 5
    assert server.get("api/status").status_code == 200


def test_100_mb_in_many_batches_go_through_and_the_ring_holds(server_at):
    server = warmed_up(server_at("home").start())
    lines = 5000  # of 1 KB
    statuses = []

    def client_thread(name):
        with server.client(timeout=60) as client:
            for number in range(5):
                body = "\n".join(f"{name}/{number}/{n:04} " + "x" * 1000 for n in range(lines)).encode()
                statuses.append(append(client, body).status_code)

    with memory_of(server) as most:
        threads = [threading.Thread(target=client_thread, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            assert server.get("api/status").status_code == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.02)
        for thread in threads:
            thread.join()
    assert statuses == [200] * 20
    assert most() < 250
    assert slowest < 2

    total = 5 + 20 * lines
    row = server.get("sessions/s0").json()
    assert row["log_count"] == total
    newest = server.get("sessions/s0/log", params={"cursor": 0, "limit": 10_000}).json()
    assert (newest["dropped"], newest["total"]) == (total - 10_000, 10_000)
    assert newest["entries"][0]["index"] == total - 10_000
    # Two whole batches are what is left, each in one piece and in order.
    messages = []
    while newest["entries"]:
        messages += [entry["message"].split()[0] for entry in newest["entries"]]
        newest = server.get("sessions/s0/log", params={"cursor": newest["cursor"], "limit": 10_000}).json()
    for batch in (messages[:lines], messages[lines:]):
        name = batch[0].rsplit("/", 1)[0]
        assert batch == [f"{name}/{n:04}" for n in range(lines)]
    server.stop()
    assert server.store.stat().st_size < 40 * MIB
