"""How Kafka is reached: the same facts, in the words of each of the three clients."""

import ssl
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAccess:
    """Addresses, security and names.

    Attributes
    ----------
    bootstrap
        "host:port" of some brokers, comma-separated.
    security
        PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
    mechanism
        PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    ca_file
        PEM file of the authority that signed the brokers; empty: the system's authorities.
    prefix
        Of topic names.
    group
        Consumer group of the workers.
    """

    bootstrap: str
    security: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    prefix: str = "keyart."
    group: str = "keyart"

    def topic(self, name: str) -> str:
        """Return the topic as Kafka knows it."""
        return self.prefix + name

    def name_of(self, topic: str) -> str:
        """Return our name of a topic of Kafka's."""
        return topic.removeprefix(self.prefix)

    @property
    def servers(self) -> list[str]:
        """The bootstrap addresses."""
        return [each.strip() for each in self.bootstrap.split(",") if each.strip()]

    @property
    def sasl(self) -> bool:
        """Whether user and password are asked for."""
        return self.security.startswith("SASL")

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The context that checks the brokers' certificates; None without TLS."""
        if not self.security.endswith("SSL"):
            return None
        return ssl.create_default_context(cafile=self.ca_file or None)

    def for_client(self) -> dict[str, Any]:
        """Return the keyword arguments that kafka-python and aiokafka both understand."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security,
        }
        if self.sasl:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        if (context := self.tls) is not None:
            options["ssl_context"] = context
        return options

    def for_faust(self) -> dict[str, Any]:
        """Return the keyword arguments of a Faust application."""
        from faust.auth import SASLCredentials, SSLCredentials

        options: dict[str, Any] = {"broker": [f"kafka://{server}" for server in self.servers]}
        if self.sasl:
            options["broker_credentials"] = SASLCredentials(
                username=self.user,
                password=self.password,
                mechanism=self.mechanism,
                ssl_context=self.tls,
            )
        elif (context := self.tls) is not None:
            options["broker_credentials"] = SSLCredentials(context)
        return options
