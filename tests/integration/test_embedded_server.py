"""The embedded server: found again, never doubled, and nothing lost by a kill."""

import os
import socket
import stat
import threading
from pathlib import Path

import pytest
import redis

from keyart.schemas.errors import SettingsError
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


def test_the_socket_lies_in_a_folder_of_its_owners(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    server.start()
    try:
        (path,) = (each for each in data_dir.iterdir() if stat.S_ISSOCK(each.stat().st_mode))
        assert server.url == f"unix://{path}"
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["k" * 120, "a b%3F?c#d", "größe"])
def test_a_folder_of_any_name_will_do(tmp_path: Path, name: str) -> None:
    server = EmbeddedServer(tmp_path / name)
    client = connect(server.start())
    try:
        client.set("who", "me")
        assert connect(server.url).get("who") == b"me"
        assert connect(EmbeddedServer(tmp_path / name).start()).get("who") == b"me"
    finally:
        server.stop()


def test_a_socket_that_others_could_have_made_is_never_used(data_dir: Path) -> None:
    data_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(data_dir / "valkey.sock"))
        stranger.listen()
        data_dir.chmod(0o777)
        stranger.settimeout(0.2)
        server = EmbeddedServer(data_dir)
        assert not server._answers()
        with pytest.raises(TimeoutError):
            stranger.accept()
        assert connect(server.start()).ping()
        server.stop()


def test_a_folder_of_another_user_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir(mode=0o700)
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(SettingsError, match="belongs to another user"):
        EmbeddedServer(data_dir).start()


def test_one_that_cannot_start_says_why(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "appendonlydir").write_bytes(b"no folder")
    with pytest.raises(Exception, match="appendonlydir") as said:
        EmbeddedServer(data_dir).start()
    assert "\n" not in str(said.value)


def answers(url: str) -> bool:
    try:
        return bool(connect(url).ping())
    except redis.ConnectionError:
        return False
