"""Keys of a lane that hold what they never should, and would make every commit fail.

A key of another kind than the lane's is renamed, not deleted: `<its name>:aside` is there to look
at, and the next one set aside replaces it.
"""

from typing import Any

from keyart.streams.families import HASHES

KINDS = {
    **dict.fromkeys(("epoch", "version"), "string"),
    **dict.fromkeys(("offsets", "counts", *HASHES), "hash"),
    **{"changed": "zset", "outbox": "list"},
}
NUMBER = b"#"


def mend(client: Any, names: dict[str, str]) -> list[str]:
    """Set aside what cannot be right among a lane's keys; return in words what that was.

    Parameters
    ----------
    client
        Of the server.
    names
        Of the keys, by what they are to the lane.
    """
    found: list[str] = []
    for what, name in names.items():
        kind = client.type(name).decode()
        if kind not in ("none", KINDS[what]):
            found.append(f"{name}, a {kind}")
            client.rename(name, f"{name}:aside")
    for what in ("epoch", "version"):
        value = client.get(names[what])
        if value is not None and not value.isdigit():
            found.append(f"{names[what]}, no number")
            client.rename(names[what], f"{names[what]}:aside")
    for key, value in client.hgetall(names["counts"]).items():
        if not value.lstrip(b"-").isdigit():
            found.append(f"{names['counts']} {key!r}, no number")
            client.hdel(names["counts"], key)
    number = client.hget(names["offsets"], NUMBER)
    if number is not None and not number.isdigit():
        found.append(f"{names['offsets']} #, no number")
        client.hset(names["offsets"], NUMBER, 0)
    return found
