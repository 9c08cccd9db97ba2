"""A teacher behind an OpenAI-compatible endpoint."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from keyart.models.llm.rationales.write import Teacher
from keyart.schemas.errors import KeyartError
from keyart.services.wiring.addresses import http_address

MAX_REPLY_BYTES = 1_000_000


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
        request = urllib.request.Request(
            target, data=json.dumps(body).encode(), headers=headers, method="POST"
        )
        for attempt in range(attempts):
            if attempt:
                wait(2.0 ** (attempt - 1))
            try:
                with urllib.request.urlopen(request, timeout=timeout_s) as response:
                    return _reply(response.read(MAX_REPLY_BYTES))
            except urllib.error.HTTPError as wrong:
                if wrong.code != 429 and wrong.code < 500:
                    raise TeacherAway(f"the teacher's endpoint said {wrong.code}") from None
            except (OSError, http.client.HTTPException):
                pass
        raise TeacherAway(f"the teacher's endpoint did not answer in {attempts} attempts")

    return ask


def _reply(body: bytes) -> str:
    try:
        said = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        raise TeacherAway("the teacher's endpoint answered with something else") from None
    if not isinstance(said, str):
        raise TeacherAway("the teacher's endpoint answered without words")
    return said
