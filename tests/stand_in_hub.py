"A stand-in for the Hugging Face Hub on this machine: models at ROOT/OWNER/NAME/REVISION, data sets at ROOT/datasets/OWNER/NAME/REVISION, over HTTP. Standard library only."
import base64
import hashlib
import json
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


def read_commit(folder):
    "(hash of the commit, {path: bytes})"
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return hashlib.sha1(repr(files).encode()).hexdigest(), files


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    damage = ""

    def log_message(self, *_): pass

    def reply(self, status, body, **headers):
        self.server.log.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}).items(): self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(body)

    def missing(self, what): self.reply(404, b"{}", X_Error_Code=what, X_Error_Message=what)

    def goes_wrong(self, path):
        "Do what is planted for this path, if anything; True when there is nothing left to say."
        kind = self.server.take_fault(path, self.command)
        if kind == "500": self.reply(500, b"{}")
        if kind == "slow": time.sleep(5)
        self.damage = kind if kind in ("cut", "wrong") else ""
        return kind == "500"

    def answer(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.server.tokens.append(self.headers.get("Authorization", ""))
        if self.goes_wrong(path): return
        if self.writes(path, asked): return
        match = re.fullmatch(r"/(?:api/)?(?:models/|(datasets/))?([^/]+/[^/]+)(?:/(resolve|tree|revision|paths-info)/([^/]+)/?(.*))?", path)
        home = self.server.root / (match[1] or "") / match[2] if match else None
        if not (home and home.is_dir()): return self.missing("RepoNotFound")
        if match[2] in self.server.gated and self.headers.get("Authorization") != f"Bearer {self.server.gated[match[2]]}":
            return self.reply(403 if self.headers.get("Authorization") else 401, b"{}", X_Error_Code="GatedRepo", X_Error_Message="ask first")
        commits = {folder.name: read_commit(folder) for folder in home.iterdir() if folder.is_dir()} or {"main": ("0" * 40, {})} # made, and nothing in it yet
        commit, files = next((c for name, c in commits.items() if (match[4] or "main") in (name, c[0])), (None, None))
        if commit is None: return self.missing("RevisionNotFound")
        oid = {name: hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() for name, data in files.items()}
        entries = [{"type": "file", "path": n, "size": len(d), "oid": oid[n]} for n, d in files.items()]
        if match[3] in (None, "revision"):
            return self.reply(200, json.dumps({"_id": "0", "id": match[2], "sha": commit, "tags": [], "private": self.server.private.get(match[2], False), "siblings": [{"rfilename": n} for n in files]}).encode())
        if match[3] == "tree": return self.reply(200, json.dumps([entry for entry in entries if entry["path"].startswith(match[5])]).encode())
        if match[3] == "paths-info":
            wanted = json.loads(asked)["paths"] if asked.startswith(b"{") else parse_qs(asked.decode()).get("paths", [])
            return self.reply(200, json.dumps([entry for entry in entries if entry["path"] in wanted]).encode())
        if match[5] not in files: return self.missing("EntryNotFound")
        self.send(files[match[5]], ETag=f'"{oid[match[5]]}"', X_Repo_Commit=commit, Accept_Ranges="bytes")

    def send(self, data, **headers):
        "A file, or the part of it that was asked for."
        if self.damage == "wrong": data = data[:-1] + bytes([data[-1] ^ 1])
        if self.damage == "cut" and self.command == "GET":
            self.reply(200, data[:len(data) // 2], **headers, Content_Length=str(len(data)))
            self.close_connection = True
            return self.connection.shutdown(2)
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not part: return self.reply(200, data, **headers)
        first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
        self.reply(206, data[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}", **headers)

    def writes(self, path, asked):
        "Make a repository, or put a commit into it: a folder that is moved to its place when it is whole. True when this was such a request."
        if (part := re.fullmatch(r"/upload/(\w+)", path)) and self.command == "PUT":   # a large file, to the address that it was given
            self.server.uploads[part[1]] = asked
            return self.reply(200, b"") or True
        if path.endswith(".git/info/lfs/objects/batch"):
            objects = [{**found, "actions": {"upload": {"href": f"{self.server.url}/upload/{found['oid']}", "header": {}}}} for found in json.loads(asked)["objects"]]
            return self.reply(200, json.dumps({"transfer": "basic", "objects": objects}).encode()) or True
        match = re.fullmatch(r"/api/(?:(repos/create)|(?:models/([^/]+/[^/]+)/(preupload|commit)/[^/]+)|(validate-yaml)|(whoami-v2))", path)
        if not match: return False
        if match[4]: return self.reply(200, b'{"errors": [], "warnings": []}') or True
        if self.headers.get("Authorization") != f"Bearer {self.server.writer}": return self.reply(401, b'{"error": "Invalid username or password."}') or True
        if match[5]: return self.reply(200, b'{"type": "user", "name": "someone"}') or True
        if match[1]:
            wanted = json.loads(asked)
            name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
            made = not (self.server.root / name).exists()
            (self.server.root / name).mkdir(parents=True, exist_ok=True)
            if made: self.server.private[name] = wanted.get("visibility") == "private" or bool(wanted.get("private"))
            return self.reply(200 if made else 409, json.dumps({"url": f"{self.server.url}/{name}", "name": name}).encode()) or True
        if match[3] == "preupload":
            return self.reply(200, json.dumps({"files": [{"path": f["path"], "uploadMode": "lfs" if self.server.large and f["path"].endswith(self.server.large) else "regular", "shouldIgnore": False} for f in json.loads(asked)["files"]]}).encode()) or True
        home, lines = self.server.root / match[2], [json.loads(line) for line in asked.decode().splitlines() if line.strip()]
        fresh = home / "coming"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(home / "main", fresh) if (home / "main").exists() else fresh.mkdir()
        for line in lines:
            if line["key"] not in ("file", "lfsFile"): continue
            target = fresh / line["value"]["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(base64.b64decode(line["value"]["content"]) if line["key"] == "file" else self.server.uploads[line["value"]["oid"]])
        shutil.rmtree(home / "main", ignore_errors=True)
        fresh.rename(home / "main")
        self.server.commits.append(match[2])
        oid = read_commit(home / "main")[0]
        return self.reply(200, json.dumps({"commitUrl": f"{self.server.url}/{match[2]}/commit/{oid}", "commitOid": oid, "pullRequestUrl": None, "hookOutput": ""}).encode()) or True

    do_GET = do_HEAD = do_POST = do_PUT = answer


class StandInHub:
    def __init__(self, root):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.root, self.server.log = True, Path(root), []
        self.url, self.log = f"http://127.0.0.1:{self.server.server_address[1]}", self.server.log
        self.server.url, self.server.gated, self.server.tokens, self.server.writer, self.server.private, self.server.commits = self.url, {}, [], "hf_writer", {}, []
        self.server.large, self.server.uploads = "", {} # ending of the names of files that are uploaded apart; what has come
        self.faults = []                     # [part of a path, "500", "cut", "wrong" or "slow", how often]
        self.server.take_fault = self.take_fault

    def take_fault(self, path, command):
        "What is planted for a path, counted down; only what would be sent breaks off."
        for fault in self.faults:
            part, kind, left = fault
            if part in path and left and not (kind in ("cut", "wrong") and command != "GET"):
                fault[2] -= 1
                return kind

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
