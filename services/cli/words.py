"""Numbers and nouns that agree: '1 title', '2,000 titles'."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return the number with its noun; the plural is the noun with an s unless it is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
