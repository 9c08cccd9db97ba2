"""A Faust agent that does nothing: what the worker is measured against.

`python empty_agent.py BOOTSTRAP TOPIC GROUP FILE`: writes how many events it has seen into the
file, ten times a second.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import faust

bootstrap, topic_name, group, target = sys.argv[1:5]
sys.argv[1:] = []
app = faust.App(
    group,
    broker=f"kafka://{bootstrap}",
    store="memory://",
    datadir=tempfile.mkdtemp(),
    web_enabled=False,
    topic_disable_leader=True,
    topic_allow_declare=False,
    consumer_auto_offset_reset="earliest",
)
topic = app.topic(topic_name, key_serializer="raw", value_serializer="raw", value_type=bytes)
seen = 0


@app.agent(topic)
async def nothing(stream: Any) -> None:
    """Take every event and do nothing with it."""
    global seen
    async for _ in stream:
        seen += 1


async def tell() -> None:
    """Write how many there were."""
    Path(target).write_text(str(seen))


app.timer(0.1)(tell)
app.Worker(loglevel="WARNING").execute_from_commandline()
