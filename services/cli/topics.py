"""`keyart topics`: create them, describe them, see how far the workers lag."""

from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json

app = typer.Typer(help="Topics in Kafka: create, describe, lag.", no_args_is_help=True)


@app.command()
def create(
    wait_s: Annotated[
        float, typer.Option("--wait", help="how long to wait for Kafka, in seconds")
    ] = 0.0,
) -> None:
    """Create what is missing and correct what differs; never shrinks a topic."""
    import time

    from keyart.schemas.errors import LogAway
    from keyart.services.wiring.logs import kafka_of
    from keyart.services.wiring.settings import read_settings
    from keyart.streams.kafka.admin import TopicAdmin

    settings = read_settings().settings
    deadline = time.monotonic() + wait_s
    while True:
        try:
            admin = TopicAdmin(kafka_of(settings))
            break
        except LogAway:
            if time.monotonic() >= deadline:
                raise
            time.sleep(1.0)
    try:
        done = admin.create(
            partitions=settings.partitions,
            replication=settings.kafka_replication,
            retention_hours=settings.retention_hours,
        )
    finally:
        admin.close()
    for line in done or ["every topic is as it should be"]:
        typer.echo(line)


@app.command()
def describe(json: Json = None) -> None:
    """Show each topic: partitions, replicas, records, settings that differ from the broker's."""
    from rich.console import Console
    from rich.table import Table

    from keyart.services.wiring.logs import kafka_of
    from keyart.services.wiring.settings import read_settings
    from keyart.streams.kafka.admin import TopicAdmin

    check_json(json)
    admin = TopicAdmin(kafka_of(read_settings().settings))
    try:
        found = admin.describe()
    finally:
        admin.close()
    table = Table("topic", "partitions", "replicas", "in sync", "records", "settings")
    for each in found:
        settings = ", ".join(f"{key}={value}" for key, value in sorted(each.settings.items()))
        numbers = (each.partitions, each.replication, each.in_sync, each.records)
        table.add_row(each.name, *map(str, numbers), settings)
    Console(stderr=json == STANDARD_OUTPUT).print(table)
    write_json(json, found)


@app.command()
def lag(json: Json = None) -> None:
    """Show how many records each lane has not committed; the store's offsets are what counts."""
    from rich.console import Console
    from rich.table import Table

    from keyart.services.wiring.logs import kafka_of
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import connected, store_of
    from keyart.streams.kafka.admin import TopicAdmin

    check_json(json)
    settings = read_settings().settings
    admin = TopicAdmin(kafka_of(settings))
    try:
        with connected(settings) as client:
            found = admin.lag(store_of(settings, client).offsets)
    finally:
        admin.close()
    table = Table("topic", "partition", "end", "committed", "lag")
    for each in found:
        numbers = (each.partition, each.end, each.committed, each.records)
        table.add_row(each.topic, *map(str, numbers))
    Console(stderr=json == STANDARD_OUTPUT).print(table)
    write_json(json, found)
