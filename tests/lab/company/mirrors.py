#!/usr/bin/env python3
"""Every server of the company's names in one, on ports 80 and 443 of all addresses: an index, a package or a key for any
path, and the redirects of clients.txt.

    mirrors.py CERTIFICATE KEY
"""
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from names import read_redirects

REDIRECTS = read_redirects()
KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbm90IGEga2V5\n-----END PGP PUBLIC KEY BLOCK-----\n"
SCRIPTS = {"sh.rustup.test": b"echo installed\n", "install.poetry.test": b"echo installed\n"}
SIZES = {".tgz": 40_000, ".whl": 60_000, ".deb": 80_000, ".apk": 30_000, ".crate": 20_000, ".jar": 90_000, ".zip": 120_000}


def redirect_of(url):
    exact = REDIRECTS.get(url)
    if exact:
        return exact
    return next((to for prefix, to in REDIRECTS.items() if prefix.endswith("/") and url.startswith(prefix)), None)


def content(host, path):
    if host in SCRIPTS:
        return SCRIPTS[host]
    if path.endswith((".asc", ".gpg", ".gpg.key", "/gpg")) or path.startswith("/pks/"):
        return KEY
    size = next((size for suffix, size in SIZES.items() if path.endswith(suffix)), 2_000)
    return (path.encode() + b"\n") * (size // (len(path) + 1) + 1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tls = False

    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0].lower()
        target = redirect_of(f"{'https' if self.tls else 'http'}://{host}{self.path}")
        body = b"" if target else content(host, self.path)
        self.send_response(302 if target else 200)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        print(self.headers.get("Host"), *args[1:], flush=True)


class SecureHandler(Handler):
    tls = True


class Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request, client_address):
        print(f"mirrors: {client_address[0]}: {sys.exc_info()[1]}", flush=True)


class SecureServer(Server):
    """The handshake is made in the connection's own thread: a client that says nothing holds up nobody."""
    context = None

    def finish_request(self, request, client_address):
        request.settimeout(60)
        with self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


def main():
    SecureServer.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SecureServer.context.load_cert_chain(sys.argv[1], sys.argv[2])
    SecureServer.context.set_ciphers("DEFAULT:@SECLEVEL=0")  # busybox names no algorithm of signatures: SHA-1 is meant
    secure = SecureServer(("0.0.0.0", 443), SecureHandler)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    Server(("0.0.0.0", 80), Handler).serve_forever()


if __name__ == "__main__":
    main()
