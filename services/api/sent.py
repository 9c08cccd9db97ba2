"""What a caller sends of an event, as JSON Schema: the record, before the api completes it."""

from functools import reduce
from operator import or_
from typing import Any, Final

import msgspec

from keyart.schemas.events import Click, Finish, Hide, Impression, Like, Play
from keyart.schemas.ids import DECISION_PATTERN

SENT: Final = (Impression, Click, Play, Finish, Like, Hide)
"""The events that a caller may send, in the order of what viewers do."""
VIEWER: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 256,
    "description": "the site's own id of the viewer; it is hashed before it is kept",
}
DECISION: Final = {
    "anyOf": [{"type": "string", "pattern": DECISION_PATTERN}, {"type": "null"}],
    "default": None,
    "description": "the `id` that /v1/decisions answered for this title",
}
CALLER: Final = "caller"
"""The field that the api alone writes."""
OCCURRED: Final = {"description": "milliseconds since 1970; now, when it is left out"}


def sent_events(ref_template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of one event, told apart by its `type`, and the components it refers to."""
    (one,), components = msgspec.json.schema_components(
        [reduce(or_, SENT)], ref_template=ref_template
    )
    for component in components.values():
        own = component["properties"]
        own["viewer"] = VIEWER
        del own[CALLER]
        own["decision"] = DECISION
        own["occurred_at_ms"] = {**own["occurred_at_ms"], **OCCURRED}
        component["required"] = [name for name in component["required"] if name != "occurred_at_ms"]
        component["additionalProperties"] = False
    return one, components
