"""Numbers and nouns agree."""

from keyart.services.cli.words import counted


def test_one_is_one() -> None:
    assert counted(1, "title") == "1 title"
    assert counted(0, "title") == "0 titles"
    assert counted(2000, "title") == "2,000 titles"
    assert counted(2, "taste", "tastes") == "2 tastes"
