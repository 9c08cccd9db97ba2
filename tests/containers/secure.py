"""A Redis that speaks TLS only and knows one user, and the certificate for it."""

import subprocess
from pathlib import Path
from urllib.parse import quote

import redis

from tests.containers.servers import REDIS_IMAGE, RedisServer, Server, free_port


class SecureRedisServer(RedisServer):
    """Redis that speaks TLS only, to one user who may do nothing dangerous.

    Parameters
    ----------
    certificate
        Folder with `cert.pem` and `key.pem`.
    """

    USER, PASSWORD = "keyart", "let me: in/@home"

    def __init__(self, certificate: Path) -> None:
        self.port = free_port()
        self.certificate = certificate
        Server.__init__(self, REDIS_IMAGE, {6379: self.port})
        self.container.with_volume_mapping(str(certificate), "/tls", "ro")
        tls = "--port 0 --tls-port 6379 --tls-cert-file /tls/cert.pem --tls-key-file /tls/key.pem"
        allowed = ["~k*", "&*", "+@all", "-@admin", "-@dangerous"]
        self.container.with_command(
            ["redis-server", *tls.split(), "--tls-auth-clients", "no"]
            + ["--user", "default", "off"]
            + ["--user", self.USER, "on", f">{self.PASSWORD}", *allowed]
        )

    def url_of(self, password: str, **more: str) -> str:
        """Return the address for a password, with more parameters."""
        rest = "&".join(f"{name}={value}" for name, value in more.items())
        who = f"{self.USER}:{quote(password, safe='')}"
        return f"rediss://{who}@127.0.0.1:{self.port}/0?{rest}"

    @property
    def url(self) -> str:
        """The address, with the authority to trust."""
        return self.url_of(self.PASSWORD, ssl_ca_certs=str(self.certificate / "cert.pem"))

    @property
    def client(self) -> redis.Redis:
        """A new client."""
        return redis.Redis.from_url(self.url, socket_timeout=5.0)


def make_certificate(folder: Path) -> Path:
    """Make `cert.pem`, signed by itself, and `key.pem`, for 127.0.0.1; return the folder."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
    command += "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    # the server in its container is another user
    folder.chmod(0o755)
    (folder / "key.pem").chmod(0o644)
    return folder
