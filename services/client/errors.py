"""What may go wrong with a call.

KeyartError
├── Away           nobody answered, or not in time; retriable
└── ErrorAnswer    the server answered with an error
    └── NotNow     it is busy, or something behind it is away; retriable
"""

from keyart.schemas.errors import KeyartError
from keyart.services.client.answers import Problem


class Away(KeyartError):
    """Nobody answered, or not in time, or with something that is no answer of keyart's."""

    retriable = True


class ErrorAnswer(KeyartError):
    """The server answered with an error.

    Attributes
    ----------
    status
        Of HTTP.
    retry_s
        For how long to wait before another try, as the answer says; 0 when it does not.
    problem
        What was wrong and where, as far as the server said.
    """

    def __init__(
        self, asked: str, status: int, said: str, retry_s: float, problem: Problem | None = None
    ) -> None:
        super().__init__(f"{asked}: {status} {said}")
        self.status = status
        self.retry_s = retry_s
        self.problem = problem or Problem()


class NotNow(ErrorAnswer):
    """Busy, or something behind it is away, or others changed the same: try again later."""

    retriable = True
