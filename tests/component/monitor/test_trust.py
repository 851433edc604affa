"""Whose word is believed: a proxy in front, which signs people in, and TLS to the monitor itself."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.monitor.conftest import LOGIN, PASSWORD, World
from tests.component.monitor.service import Answer, Client, Monitor, exchange
from tests.support.process import wait_until

HEADER = "X-Signed-In"
POST = {"Content-Type": "application/json", "X-Kasumori": "1"}


def login(world: World, pg) -> str:
    name = world.database.split("dbname=")[1].split()[0]
    return pg.conninfo(name, user=LOGIN)


def ask(
    monitor: Monitor, method: str, path: str, peer: str = "127.0.0.1", **headers: str
) -> Answer:
    """From an address of the loopback network."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", monitor.port, timeout=30, source_address=(peer, 0)
    )
    body = b"{}" if method == "POST" else None
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange(connection, method, path, body, names)


# ---- a proxy ----


@pytest.fixture(scope="module")
def behind(world, pg, tmp_path_factory) -> Iterator[Monitor]:
    """Believes 127.0.0.2."""
    folder = tmp_path_factory.mktemp("behind")
    proxy = {"header": HEADER, "peer": "127.0.0.2"}
    with Monitor(folder, login(world, pg), proxy=proxy) as monitor:
        yield monitor


def test_the_proxy_says_who_asks(behind):
    answer = ask(behind, "GET", "/v1/session", "127.0.0.2", X_Signed_In="acme/supervisor")
    assert answer.status == 200
    session = answer.json()
    assert (session["account"], session["role"]) == ("supervisor", "supervisor")
    assert session["sites"] == ["s001"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.3", "127.0.0.22"])
def test_nobody_else_is_believed(behind, peer):
    answer = ask(behind, "GET", "/v1/session", peer, X_Signed_In="acme/supervisor")
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_without_a_proxy_the_header_is_a_header(world):
    answer = ask(world.monitor, "GET", "/v1/session", X_Signed_In="acme/supervisor")
    assert answer.status == 401


@pytest.mark.parametrize(
    "word",
    [
        "", "supervisor", "acme", "acme/", "/supervisor", "acme/nobody", "zulu/supervisor",
        "acme/supervisor/x", "acme /supervisor", "acme/supervisor,bravo/admin", "ACME/supervisor",
        "acme/Supervisor", "acme/supervisor'--", "acme/" + "x" * 65,
    ],
)  # fmt: skip
def test_only_an_account_that_exists_gets_in(behind, word):
    answer = ask(behind, "GET", "/v1/session", "127.0.0.2", X_Signed_In=word)
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_a_shut_account_stays_out(behind, world):
    change = (
        "update kasumori.account set disabled_at = {} where tenant = 'bravo' and account = 'site'"
    )
    word = {"X_Signed_In": "bravo/site"}
    assert ask(behind, "GET", "/v1/session", "127.0.0.2", **word).status == 200
    world.run(change.format("now()"))
    assert ask(behind, "GET", "/v1/session", "127.0.0.2", **word).status == 401
    world.run(change.format("null"))


def test_a_role_stays_what_the_database_says(behind):
    answer = ask(behind, "GET", "/v1/audit", "127.0.0.2", X_Signed_In="acme/site", X_Role="admin")
    assert (answer.status, answer.code) == (403, "forbidden")


def test_another_sites_page_does_not_act_through_the_proxy(behind):
    """The browser sends the proxy's own cookie by itself, so a POST must show where it is from."""
    word = {"X_Signed_In": "acme/headquarters", "Content_Type": "application/json"}
    refused = ask(behind, "POST", "/v1/decisions", "127.0.0.2", **word)
    assert (refused.status, refused.code) == (403, "cross_site")
    foreign = ask(
        behind, "POST", "/v1/decisions", "127.0.0.2", X_Kasumori="1", Origin="https://evil.example",
        **word,
    )  # fmt: skip
    assert foreign.code == "cross_site"
    own = ask(behind, "POST", "/v1/decisions", "127.0.0.2", X_Kasumori="1", **word)
    assert (own.status, own.code) == (400, "bad_member")


def test_a_key_and_a_cookie_go_before_the_proxys_word(behind, world):
    """Whoever shows something of their own is that or nobody."""
    word = {"X_Signed_In": "acme/admin"}
    assert ask(
        behind, "GET", "/v1/session", "127.0.0.2", Authorization="Bearer x", **word
    ).status == 401  # fmt: skip
    cookie = world.client("acme", "site", behind).headers["Cookie"]
    answer = ask(behind, "GET", "/v1/session", "127.0.0.2", Cookie=cookie, **word)
    assert answer.json()["account"] == "site"
    gone = "__Host-kasumori=" + "0" * 64
    assert ask(behind, "GET", "/v1/session", "127.0.0.2", Cookie=gone, **word).status == 401


def test_a_cookie_of_another_name_is_none(behind, world):
    token = world.client("acme", "site", behind).headers["Cookie"].partition("__Host-kasumori=")[2]
    for cookie in (
        f"kasumori={token}",
        f"x__Host-kasumori={token}",
        f"__Host-kasumorix={token}",
        f'__Host-kasumori="{token}"',
        f"__host-kasumori={token}",
        f"__Host-kasumori={token[:-1]}",
        f"__Host-kasumori={token}0",
    ):
        assert ask(behind, "GET", "/v1/session", Cookie=cookie).status == 401, cookie
    for cookie in (f"a=1;__Host-kasumori={token}", f"a; b=; __Host-kasumori={token}; c=2"):
        assert ask(behind, "GET", "/v1/session", Cookie=cookie).status == 200, cookie


def test_failures_behind_a_proxy_do_not_lock_everybody_out(behind):
    """All come from the proxy's one address; each account still waits for itself."""
    body = {"tenant": "acme", "account": "nobody", "password": "wrong"}
    connection = http.client.HTTPConnection(
        "127.0.0.1", behind.port, timeout=30, source_address=("127.0.0.2", 0)
    )
    statuses = []
    for number in range(22):
        text = str(body | {"account": f"nobody-{number}"}).replace("'", '"')
        connection.request("POST", "/v1/session", text.encode(), POST)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    text = str(body | {"account": "admin", "password": PASSWORD}).replace("'", '"')
    connection.request("POST", "/v1/session", text.encode(), POST)
    assert (statuses, connection.getresponse().status) == ([401] * 22, 200)
    connection.close()


# ---- TLS ----


def openssl(*args: object) -> None:
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    """A folder with ca.pem, and server.pem and server.key that it vouches for."""
    folder = tmp_path_factory.mktemp("authority")
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*new, "-x509", "-days", 2, "-subj", "/CN=Test CA", "-keyout", folder / "ca.key",
            "-out", folder / "ca.pem")  # fmt: skip
    openssl(*new, "-subj", "/CN=board", "-keyout", folder / "server.key",
            "-out", folder / "server.csr")  # fmt: skip
    names = folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-days", 2, "-in", folder / "server.csr", "-CA", folder / "ca.pem",
            "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", names,
            "-out", folder / "server.pem")  # fmt: skip
    (folder / "server.key").chmod(0o600)
    return folder


class SecureMonitor(Monitor):
    def __init__(self, folder: Path, database: str, authority: Path):
        self.context = ssl.create_default_context(cafile=authority / "ca.pem")
        super().__init__(
            folder,
            database,
            http={
                "tls_certificate_file": str(authority / "server.pem"),
                "tls_key_file": str(authority / "server.key"),
            },
        )

    def is_ready(self) -> bool:
        if not self.is_alive():
            raise RuntimeError(self.log_tail())
        try:
            return ask_securely(self, "GET", "/readyz").status == 200
        except OSError:
            return False


def ask_securely(
    monitor: SecureMonitor, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answer:
    connection = http.client.HTTPSConnection(
        "127.0.0.1", monitor.port, timeout=30, context=monitor.context
    )
    return exchange(connection, method, path, body, headers)


@pytest.fixture(scope="module")
def secure(world, pg, authority, tmp_path_factory) -> Iterator[SecureMonitor]:
    with SecureMonitor(tmp_path_factory.mktemp("secure"), login(world, pg), authority) as monitor:
        yield monitor


def test_signing_in_over_tls(secure):
    body = f'{{"tenant":"acme","account":"privacy","password":"{PASSWORD}"}}'.encode()
    origin = f"https://127.0.0.1:{secure.port}"
    answer = ask_securely(secure, "POST", "/v1/session", body, **POST, Origin=origin)
    assert answer.status == 200, answer.body
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert "Secure" in attributes and "HttpOnly" in attributes
    session = ask_securely(secure, "GET", "/v1/session", Cookie=cookie)
    assert session.json()["account"] == "privacy"


def test_every_answer_over_tls_asks_for_tls(secure, world):
    """Refusals of the server itself too; without TLS nobody is told so, for it would be ignored."""
    for method, path in (("GET", "/v1/session"), ("GET", "/"), ("GET", "/nothing"), ("PUT", "/")):
        answer = ask_securely(secure, method, path)
        assert answer.headers["strict-transport-security"] == "max-age=31536000", path
        plain = Client(world.monitor).ask(method, path, None, {})
        assert "strict-transport-security" not in plain.headers


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01", b"\x00" * 300, b"\n"]
)
def test_what_is_no_tls_is_closed(secure, data):
    """No plain answer, no wait for ever, and the next one is served."""
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as sock:
        said = b""
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(4096):
                said += part
        except OSError as error:
            assert not isinstance(error, TimeoutError)
    assert b"HTTP" not in said
    assert ask_securely(secure, "GET", "/livez").status == 200


def test_old_tls_is_refused(secure):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as sock:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(sock)


def test_somebody_elses_certificate_is_seen(secure):
    """The test's own client checks; without it the tests above would prove little."""
    stranger = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as sock:
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.wrap_socket(sock, server_hostname="127.0.0.1")


@pytest.mark.parametrize("fault", ["open key", "other key", "no certificate"])
def test_a_key_that_will_not_do_stops_the_start(world, pg, authority, tmp_path, fault):
    for name in ("server.pem", "server.key", "ca.pem", "ca.key"):
        (tmp_path / name).write_bytes((authority / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    if fault == "open key":
        (tmp_path / "server.key").chmod(0o640)
    elif fault == "other key":
        (tmp_path / "server.key").write_bytes((authority / "ca.key").read_bytes())
    else:
        (tmp_path / "server.pem").write_text("none\n")
    monitor = SecureMonitor(tmp_path, login(world, pg), tmp_path)
    monitor.start()
    wait_until(lambda: not monitor.is_alive(), "refused to start")
    assert "server." in monitor.log_text()
