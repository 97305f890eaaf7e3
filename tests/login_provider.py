"""An OpenID Connect provider that asks no questions: whoever is sent to it is the person that it is told."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT = "bstviz-tests"


class Provider:
    """What it says of whoever logs in.

    Attributes:
        url: Its address.
        claims: Of the person who logs in next.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.claims: dict[str, Any] = {"sub": "1", "email": "ana@lab.example", "email_verified": True}
        self._key = jwk.RSAKey.generate_key(2048, parameters={"kid": "tests"})
        self._nonces: dict[str, str] = {}

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def code(self, nonce: str) -> str:
        code = secrets.token_hex(8)
        self._nonces[code] = nonce
        return code

    def token(self, code: str) -> dict[str, Any]:
        now = int(time.time())
        stated = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": self._nonces.pop(code)}
        signed = jwt.encode({"alg": "RS256", "kid": "tests"}, stated | self.claims, self._key)
        return {"access_token": "none", "token_type": "Bearer", "expires_in": 600, "id_token": signed}

    def write_secrets(self, folder: Path, app: str) -> None:
        """Write ``.streamlit/secrets.toml`` of an app at an address into a folder."""
        (folder / ".streamlit").mkdir()
        (folder / ".streamlit" / "secrets.toml").write_text(
            f'[auth]\nredirect_uri = "{app}/oauth2callback"\ncookie_secret = "{secrets.token_hex(32)}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "unused"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n',
            encoding="utf-8",
        )


@contextmanager
def serving_provider() -> Iterator[Provider]:
    """A provider that answers until the context ends."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                said = {name: values[0] for name, values in parse_qs(asked.query).items()}
                back = urlencode({"code": provider.code(said["nonce"]), "state": said["state"]})
                self.send_response(302)
                self.send_header("Location", f"{said['redirect_uri']}?{back}")
                self.end_headers()
            else:
                self._send(provider.keys() if asked.path == "/keys" else provider.configuration())

        def do_POST(self) -> None:
            said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._send(provider.token(said["code"][0]))

        def _send(self, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
