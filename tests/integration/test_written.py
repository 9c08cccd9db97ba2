"""What the log has answered is in its file, or whoever asks is told that nobody knows."""

import asyncio
import time
from pathlib import Path

import pytest

from keyart.schemas.errors import LogAway
from keyart.schemas.topics import DECISIONS
from keyart.streams.ports import Output
from keyart.streams.valkey.aio import ValkeyAsyncLog, connect_async
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.server import EmbeddedServer
from keyart.streams.valkey.written import WrittenOut


def test_a_server_that_was_started_anew_does_not_answer_for_the_one_before(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)

    async def asked() -> None:
        client = connect_async(server.url)
        before = await client.lastsave()
        written = WrittenOut(client)
        await written.wait(before)
        server.kill()
        deadline = time.monotonic() + 30
        while True:
            server.start()
            if await client.lastsave() != before:
                break
            assert time.monotonic() < deadline
            server.kill()
        with pytest.raises(LogAway, match="another one"):
            await written.wait(before)
        await written.wait(await client.lastsave())
        log = ValkeyAsyncLog(client, Keys("k"), partitions=1)
        (offset,) = await log.append([Output(DECISIONS, "v", b"x")])
        (entry,) = await client.xrange(Keys("k").stream(DECISIONS, 0))
        assert entry[0].decode() == offset
        await client.aclose()

    server.start()
    try:
        asyncio.run(asked())
        assert connect(server.url).ping()
    finally:
        server.stop()
