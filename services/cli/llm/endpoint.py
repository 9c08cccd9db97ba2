"""A teacher behind an OpenAI-compatible endpoint."""

import time
from collections.abc import Callable

import httpx
import msgspec

from keyart.models.llm.rationales.write import Teacher
from keyart.schemas.errors import KeyartError
from keyart.services.wiring.addresses import http_address

MAX_REPLY_BYTES = 1_000_000


class Message(msgspec.Struct, frozen=True):
    """What was said."""

    content: str


class Option(msgspec.Struct, frozen=True):
    """One of the answers."""

    message: Message


class Completion(msgspec.Struct, frozen=True):
    """A completion, as far as it is read."""

    choices: tuple[Option, ...]


class TeacherAway(KeyartError):
    """The teacher's endpoint did not answer, or not with a reply; retriable."""

    retriable = True


def endpoint_teacher(
    url: str,
    model: str,
    *,
    key: str = "",
    tokens: int = 200,
    timeout_s: float = 60.0,
    attempts: int = 3,
    wait: Callable[[float], None] = time.sleep,
) -> Teacher:
    """Return a teacher that posts to `url`/chat/completions.

    Parameters
    ----------
    url
        Base of the endpoint, as `https://host/v1`; http or https.
    key
        Sent as bearer token where it is not empty.
    tokens
        Of a reply, at most.
    attempts
        On errors 429 and 5xx and on broken connections, waiting 1, 2, 4, ... seconds between.

    Raises
    ------
    SettingsError
        The address is no http or https one.
    """
    http_address(url, "the teacher's address")
    target = url.rstrip("/") + "/chat/completions"
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"

    def ask(prompt: str) -> str:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": tokens,
            "temperature": 0,
        }
        for attempt in range(attempts):
            if attempt:
                wait(2.0 ** (attempt - 1))
            try:
                # a teacher is out in the world: proxies and certificates of the environment hold
                with httpx.stream(
                    "POST", target, json=body, headers=headers, timeout=timeout_s
                ) as response:
                    if response.status_code == 200:
                        return _reply(_bounded(response))
                    if response.status_code != 429 and response.status_code < 500:
                        said = f"the teacher's endpoint said {response.status_code}"
                        raise TeacherAway(said)
            except (OSError, httpx.HTTPError, httpx.InvalidURL):
                pass
        raise TeacherAway(f"the teacher's endpoint did not answer in {attempts} attempts")

    return ask


def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise TeacherAway(f"the teacher's endpoint answered over {MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _reply(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Completion).choices[0].message.content
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError):
        raise TeacherAway("the teacher's endpoint answered with something else") from None
