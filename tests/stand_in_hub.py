"A stand-in for the Hugging Face Hub on this machine: models at ROOT/OWNER/NAME/REVISION, data sets at ROOT/datasets/OWNER/NAME/REVISION, over HTTP. Standard library only."
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


def read_commit(folder):
    "(hash of the commit, {path: bytes})"
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return hashlib.sha1(repr(files).encode()).hexdigest(), files


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_): pass

    def reply(self, status, body, **headers):
        self.server.log.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items(): self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(body)

    def missing(self, what): self.reply(404, b"{}", X_Error_Code=what, X_Error_Message=what)

    def answer(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        match = re.fullmatch(r"/(?:api/)?(?:models/|(datasets/))?([^/]+/[^/]+)(?:/(resolve|tree|revision|paths-info)/([^/]+)/?(.*))?", path)
        home = self.server.root / (match[1] or "") / match[2] if match else None
        if not (home and home.is_dir()): return self.missing("RepoNotFound")
        commits = {folder.name: read_commit(folder) for folder in home.iterdir() if folder.is_dir()}
        commit, files = next((c for name, c in commits.items() if (match[4] or "main") in (name, c[0])), (None, None))
        if commit is None: return self.missing("RevisionNotFound")
        oid = {name: hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() for name, data in files.items()}
        entries = [{"type": "file", "path": n, "size": len(d), "oid": oid[n]} for n, d in files.items()]
        if match[3] in (None, "revision"):
            return self.reply(200, json.dumps({"_id": "0", "id": match[2], "sha": commit, "tags": [], "siblings": [{"rfilename": n} for n in files]}).encode())
        if match[3] == "tree": return self.reply(200, json.dumps([entry for entry in entries if entry["path"].startswith(match[5])]).encode())
        if match[3] == "paths-info":
            wanted = json.loads(asked)["paths"] if asked.startswith(b"{") else parse_qs(asked.decode()).get("paths", [])
            return self.reply(200, json.dumps([entry for entry in entries if entry["path"] in wanted]).encode())
        if match[5] not in files: return self.missing("EntryNotFound")
        self.send(files[match[5]], ETag=f'"{oid[match[5]]}"', X_Repo_Commit=commit, Accept_Ranges="bytes")

    def send(self, data, **headers):
        "A file, or the part of it that was asked for."
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not part: return self.reply(200, data, **headers)
        first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
        self.reply(206, data[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}", **headers)

    do_GET = do_HEAD = do_POST = answer


class StandInHub:
    def __init__(self, root):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.root, self.server.log = True, Path(root), []
        self.url, self.log = f"http://127.0.0.1:{self.server.server_address[1]}", self.server.log

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
