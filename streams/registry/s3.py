"""Objects of a registry in a bucket of S3, or of any store that speaks it and creates once.

An object is created by a conditional write, `If-None-Match: *` (RFC 9110, section 13.1.2; S3 since
August 2024): the store makes it or refuses it in one step, so of two writers one wins. A store that
does not know the condition would overwrite in silence; it is asked before the first write, and
refused. Credentials come from the environment as for any AWS client, and are never logged.
"""

import re
import secrets
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlsplit

from keyart.schemas.errors import InvalidRecord, SettingsError, StoreAway, StoreError
from keyart.schemas.extras import need_extra
from keyart.streams.registry.objects import LARGEST, checked

SCHEME: Final = "s3"
BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
MOST_URL: Final = 1000
TRIES: Final = 5
CONNECT_S, READ_S = 5, 60
PROBE: Final = "probe/conditional-writes"
"""Made once in a store, to see that it cannot be made again."""
WRITER: Final = "keyart-writer"
"""Metadata of an object: who wins where the answer to a write was lost."""
EXISTS: Final = (412, 409)
T = TypeVar("T")


class Place(NamedTuple):
    """Where a registry is: a bucket, a prefix in it, and the store's address; "" for AWS."""

    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = ""


def place_of(url: str) -> Place:
    """Take `s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=NAME` to pieces.

    Raises
    ------
    SettingsError
        It is none, or holds credentials; those come from the environment.
    """
    wrong = "must be s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=NAME"
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        there = urlsplit(query.get("endpoint", "https://s3"))
        named, port = there.hostname, there.port
    except ValueError:
        raise SettingsError(f"KEYART_MODELS_URL {wrong}") from None
    if any(each.username or each.password for each in (parts, there)):
        raise SettingsError(
            "KEYART_MODELS_URL holds credentials: they come from the environment "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role)"
        )
    prefix = parts.path.strip("/")
    if (
        len(url) > MOST_URL
        or parts.scheme != SCHEME
        or not re.fullmatch(BUCKET, parts.netloc)
        or not re.fullmatch(r"([A-Za-z0-9_=.-]+(/[A-Za-z0-9_=.-]+)*)?", prefix)
        or {".", ".."} & set(prefix.split("/"))
        or set(query) - {"endpoint", "region"}
        or there.scheme not in ("http", "https")
        or not named
        or port == 0
        or there.path not in ("", "/")
        or not re.fullmatch(r"[a-z0-9-]{0,40}", query.get("region", ""))
    ):
        raise SettingsError(f"KEYART_MODELS_URL {wrong}")
    return Place(parts.netloc, prefix, query.get("endpoint", ""), query.get("region", ""))


class S3Objects:
    """Objects of a bucket; see `Objects`. May be used by several threads.

    Parameters
    ----------
    place
        Where.
    client
        Of boto3; None: one with the environment's credentials, opened when it is needed.
    """

    def __init__(self, place: Place, client: Any = None) -> None:
        self._place = place
        self._opened = client
        self._sure = False
        self._lock = threading.Lock()

    def create(self, key: str, content: bytes) -> bool:
        """See `Objects.create`."""
        if len(content) > LARGEST:
            raise InvalidRecord(f"{key} is larger than {LARGEST:,} bytes")
        checked(key)
        self._ask()
        if self._head(key) is not None:
            return False
        return self._put(key, content)

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        name = self._name(checked(key))

        def get() -> bytes | None:
            found = self._client.get_object(Bucket=self._place.bucket, Key=name)
            if int(found["ContentLength"]) > LARGEST:
                raise StoreError(f"{self._said(key)} is larger than {LARGEST:,} bytes")
            return bytes(found["Body"].read())

        return self._told(key, "read", get, {404: None})

    def names(self, folder: str) -> list[str]:
        """See `Objects.names`."""
        start = self._name(f"{folder}/")

        def listed() -> list[str]:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.bucket, Prefix=start, Delimiter="/"
            )
            return sorted(
                each["Key"][len(start) :] for page in pages for each in page.get("Contents", ())
            )

        return self._told(folder, "listed", listed, {})

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = client_of(self._place)
            return self._opened

    def _name(self, key: str) -> str:
        return f"{self._place.prefix}/{key}" if self._place.prefix else key

    def _said(self, key: str) -> str:
        return f"s3://{self._place.bucket}/{self._name(key)}"

    def _head(self, key: str) -> str | None:
        """Return who wrote an object, "" where that is not said; None where there is none."""

        def head() -> str:
            found = self._client.head_object(Bucket=self._place.bucket, Key=self._name(key))
            return str(found.get("Metadata", {}).get(WRITER, ""))

        return self._told(key, "read", head, {404: None})

    def _put(self, key: str, content: bytes) -> bool:
        """Create an object, unless there is one, and return whether this did.

        The client tries again by itself where no answer came; the second write is then refused by
        the first one's object. So who was refused looks whose it is.
        """
        writer = secrets.token_hex(16)

        def put() -> bool:
            self._client.put_object(
                Bucket=self._place.bucket,
                Key=self._name(key),
                Body=content,
                IfNoneMatch="*",
                Metadata={WRITER: writer},
            )
            return True

        for _ in range(TRIES):
            if self._told(key, "written", put, dict.fromkeys(EXISTS, False)):
                return True
            if (there := self._head(key)) is not None:
                return there == writer
        # 409: another write of this name was under way each time, and none ended
        raise StoreAway(f"{self._said(key)}: others were writing it each time; try again")

    def _ask(self) -> None:
        """See that the store creates once.

        Raises
        ------
        StoreError
            It overwrites what is there, so two writers could both win.
        """
        if self._sure:
            return
        self._put(PROBE, b"a name that is taken cannot be taken again\n")
        if self._put(PROBE, b"\n"):
            raise StoreError(
                f"{self._place.endpoint or 's3'} ignores conditional writes (If-None-Match: *), "
                "so two writers could both win: use a store that knows them, or a directory"
            )
        self._sure = True

    def _told(self, key: str, done: str, act: Callable[[], T], instead: dict[int, Any]) -> T:
        """Return what an act returns, or what stands instead for its status; errors in one line."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
        )

        try:
            return act()
        except ClientError as wrong:
            status = int(wrong.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(wrong.response.get("Error", {}).get("Code", ""))
            if status in instead and code != "NoSuchBucket":
                found: T = instead[status]
                return found
            kind = StoreAway if status >= 500 and status != 501 else StoreError
            raise kind(f"{self._said(key)} cannot be {done}: {status} {code}"[:300]) from None
        except (ConnectionError, HTTPClientError) as wrong:
            where = self._place.endpoint or "s3"
            said = f"{self._said(key)} cannot be {done}: no answer of {where}"
            raise StoreAway(f"{said} ({type(wrong).__name__})") from None
        except BotoCoreError as wrong:
            said = " ".join(str(wrong).split())[:200]
            raise StoreError(f"{self._said(key)} cannot be {done}: {said}") from None


def client_of(place: Place) -> Any:
    """Return a client of boto3 with the environment's credentials.

    Raises
    ------
    MissingExtra, SettingsError
        boto3 is not installed, or what it reads from the environment cannot be used.
    """
    need_extra("s3", "a registry in a bucket")
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"total_max_attempts": 3, "mode": "standard"},
        # a store of one's own seldom has a name of its own for each bucket
        s3={"addressing_style": "path"} if place.endpoint else {},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=place.endpoint or None,
            region_name=place.region or None,
            config=config,
        )
    except BotoCoreError as wrong:
        raise SettingsError(f"KEYART_MODELS_URL: {' '.join(str(wrong).split())[:200]}") from None
