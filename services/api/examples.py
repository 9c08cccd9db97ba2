"""What the document shows of each body; a test sends them all."""

from typing import Final

from litestar.openapi.spec import Example

DECISIONS: Final = [
    Example(
        value={
            "viewer": "viewer-7",
            "surface": "home",
            "titles": ["deep-field", "small-hours"],
            "context": {"device": "tv", "country": "FR", "hour": 21},
        }
    )
]
SERENDIPITY: Final = [
    Example(value={"viewer": "viewer-7", "surface": "home", "count": 3}),
]
EVENTS: Final = [
    Example(
        value={
            "events": [
                {
                    "type": "impression",
                    "id": "e-1",
                    "viewer": "viewer-7",
                    "title": "deep-field",
                    "decision": "2d56ed5ecec9a1f6b3c04e11",
                },
                {
                    "type": "play",
                    "id": "e-2",
                    "viewer": "viewer-7",
                    "title": "deep-field",
                    "decision": "2d56ed5ecec9a1f6b3c04e11",
                    "minutes": 41.5,
                },
            ]
        }
    )
]
TITLE: Final = [
    Example(
        value={
            "id": "deep-field",
            "name": "Deep Field",
            "group": "science",
            "artworks": [
                {
                    "id": "stars",
                    "image": "https://images.example.org/deep-field/stars.jpg",
                    "description": "A field of stars above a desert",
                },
                {"id": "crew", "description": "Three astronomers at a table", "attributes": {}},
            ],
        }
    )
]
CORRECTION: Final = [
    Example(value={"concepts": {"horses": 0.9, "football": -1, "cooking": 0}, "reset": False})
]
PROMOTION: Final = [
    Example(value={"version": "ridge-0a1b2c3d", "why": "better for three days as canary"}),
]
ROLLBACK: Final = [
    Example(value={"to": "ridge-9f8e7d6c", "why": "fewer takes since noon"}),
]
