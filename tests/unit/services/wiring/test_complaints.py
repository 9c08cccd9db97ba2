"""What is said again and again is told once in a while, and how often it came."""

import logging

from keyart.services.wiring.complaints import EVERY_S, MOST, SeldomRepeats


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def record(name: str, level: int, text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, text, arguments, None)


def test_a_client_that_is_refused_ten_times_a_second_is_told_once() -> None:
    clock = Clock()
    seldom = SeldomRepeats(clock)
    told = []
    for at in range(700):
        clock.now = 100.0 + at / 10
        said = record("aiokafka", logging.ERROR, "no connection to %s: %s", 1, at)
        if seldom.filter(said):
            told.append(said.getMessage())
    assert told == [
        "no connection to 1: 0",
        "no connection to 1: 300 (299 more like it in 30 s)",
        "no connection to 1: 600 (299 more like it in 30 s)",
    ]


def test_what_differs_is_told_each() -> None:
    seldom = SeldomRepeats(Clock())
    assert seldom.filter(record("kafka.conn", logging.WARNING, "closed %s", 1))
    assert not seldom.filter(record("kafka.conn", logging.WARNING, "closed %s", 2))
    assert seldom.filter(record("kafka.conn", logging.WARNING, "opened %s", 2))
    assert seldom.filter(record("kafka.client", logging.WARNING, "closed %s", 1))
    assert seldom.filter(record("keyart.a", logging.WARNING, "lane %s waits", 1))
    assert seldom.filter(record("keyart.a", logging.WARNING, "lane %s waits", 2))
    assert not seldom.filter(record("keyart.a", logging.WARNING, "lane %s waits", 1))


def test_news_and_our_own_errors_always_pass() -> None:
    seldom = SeldomRepeats(Clock())
    for _ in range(5):
        assert seldom.filter(record("aiokafka", logging.INFO, "joined"))
        assert seldom.filter(record("keyart.a", logging.ERROR, "a request failed"))


def test_it_remembers_a_bounded_number_of_complaints() -> None:
    clock = Clock()
    seldom = SeldomRepeats(clock)
    for at in range(3 * MOST):
        assert seldom.filter(record("keyart.a", logging.WARNING, f"about {at}"))
    assert len(seldom._told) <= MOST
    clock.now += EVERY_S
    assert seldom.filter(record("keyart.a", logging.WARNING, f"about {3 * MOST - 1}"))
