"""A real mail server (aiosmtpd, STARTTLS and AUTH required) and a provider of short messages, both on free ports.

Prints one JSON line with the ports, then writes everything that it takes to a journal, one JSON object a line, before it
answers. Ends when its standard input does.

How they behave stands in the file `mode` beside it, as {"mail": …, "sms": …}:
  mail: ok, slow (answers the message after a second)
  sms: ok, error (500), limit (429 with Retry-After: 1), refuse (400), drop (takes it, then hangs up), slow
Mail to refused@… gets 550, to later@… 451 the first time.
"""

import argparse
import asyncio
import email
import email.policy
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time

from aiosmtpd.smtp import SMTP, AuthResult


class Journal:
    def __init__(self, path: str) -> None:
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115
        self.lock = threading.Lock()

    def write(self, **entry: object) -> None:
        with self.lock:
            self.file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self.file.flush()


def mode(of: str) -> str:
    try:
        with open(os.path.join(sys.argv[1], "mode"), encoding="utf-8") as file:
            return json.load(file)[of]
    except FileNotFoundError:
        return "ok"


class Mailbox:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.deferred: set[str] = set()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("refused@"):
            self.journal.write(kind="refused", to=address)
            return f"550 5.1.1 <{address}> is not here"
        if address.startswith("later@") and address not in self.deferred:
            self.deferred.add(address)
            return f"451 4.3.0 <{address}> try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.journal.write(
            kind="mail", to=envelope.rcpt_tos, sender=envelope.mail_from, id=message["Message-ID"],
            subject=message["Subject"], text=message.get_content(), tls=session.ssl is not None,
            user=session.login_data, header_to=message["To"], header_from=message["From"], date=message["Date"],
            raw=envelope.content.decode("ascii"),
        )  # fmt: skip
        if mode("mail") == "slow":
            await asyncio.sleep(1)
        return "250 Taken"


def authenticate(server, session, envelope, mechanism, data):
    user, password = data.login.decode(), data.password.decode()
    session.login_data = user
    return AuthResult(success=(user, password) == ("shop", "geheim 秘密"), auth_data=user)


def certificate(folder: str) -> tuple[str, str]:
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    if not os.path.exists(cert):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert,
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return cert, key


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    journal: Journal

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != "Bearer tok-1":
            return self.answer(401, {})
        now = mode("sms")
        if now == "error":
            return self.answer(500, {})
        if now == "limit":
            return self.answer(429, {}, {"Retry-After": "1"})
        if now == "refuse":
            self.journal.write(kind="refused", to=body["to"])
            return self.answer(400, {"error": f"{body['to']} is no number"})
        self.journal.write(kind="sms", key=self.headers["Idempotency-Key"], **body)
        if now == "drop":
            self.close_connection = True
            self.connection.close()
            return None
        if now == "slow":
            time.sleep(1)
        return self.answer(202, {"id": "m-" + self.headers["Idempotency-Key"]})

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        """A connection that was dropped on purpose is no error."""


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    options = parser.parse_args()
    journal = Journal(os.path.join(options.folder, "journal"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(options.folder))
    mailbox = Mailbox(journal)
    loop = asyncio.get_running_loop()

    def make() -> SMTP:
        return SMTP(
            mailbox, hostname="mail.test", tls_context=context, require_starttls=True, auth_required=True,
            authenticator=authenticate, loop=loop,
        )  # fmt: skip

    smtp = await loop.create_server(make, "127.0.0.1", options.smtp_port)
    Provider.journal = journal
    web = Server(("127.0.0.1", options.http_port), Provider)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    ports = {"smtp": smtp.sockets[0].getsockname()[1], "http": web.server_port}
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
