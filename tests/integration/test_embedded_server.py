"""The embedded server: found again, never doubled, and nothing lost by a kill."""

import threading
from pathlib import Path

import redis

from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.server import EmbeddedServer


def test_what_was_written_survives_a_kill(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    client = connect(server.start())
    for at in range(500):
        client.xadd("log", {"v": at})
    server.kill()
    again = connect(server.start())
    assert again.xlen("log") == 500
    server.stop()


def test_a_second_keyart_finds_the_running_server(data_dir: Path) -> None:
    first, second = EmbeddedServer(data_dir), EmbeddedServer(data_dir)
    connect(first.start()).set("who", "first")
    assert connect(second.start()).get("who") == b"first"
    assert second.process_id is None
    second.stop()
    assert connect(first.url).ping()
    first.stop()


def test_many_starts_at_once_make_one_server(data_dir: Path) -> None:
    servers = [EmbeddedServer(data_dir) for _ in range(4)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running = {connect(server.url).info("server")["process_id"] for server in servers}
    assert len(running) == 1
    own = [server for server in servers if server.process_id in running]
    assert len(own) == 1
    own[0].stop()
    assert not answers(servers[0].url)


def answers(url: str) -> bool:
    try:
        return bool(connect(url).ping())
    except redis.ConnectionError:
        return False
