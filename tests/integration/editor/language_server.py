"""A client of the YAML language server, as editors are: JSON-RPC over its standard streams."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

SECONDS = 60


class LanguageServer:
    """``with LanguageServer(node, modules, folder) as server: server.open(text)``."""

    def __init__(self, node: str, modules: Path, folder: Path) -> None:
        program = modules / "yaml-language-server" / "bin" / "yaml-language-server"
        self.process = subprocess.Popen(
            [node, str(program), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.uri = (folder / "spec.yaml").as_uri()
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
            },
        }
        options = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities}
        try:
            self.request("initialize", options)
        except BaseException:
            self.__exit__()
            raise
        self._send({"method": "initialized", "params": {}})

    def __enter__(self) -> "LanguageServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def open(self, text: str) -> list[tuple[int, str]]:
        """Open the text as the spec; return the complaints: line (from 1) and message."""
        document = {"uri": self.uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        found = self._wait(lambda m: m.get("method") == "textDocument/publishDiagnostics")
        return [
            (item["range"]["start"]["line"] + 1, item["message"])
            for item in found["params"]["diagnostics"]
        ]

    def complete(self, line: int, column: int) -> dict[str, str]:
        """Return what is offered at a place (from 1): label and explanation."""
        answer = self.request("textDocument/completion", self._at(line, column))
        return {item["label"]: str(item.get("documentation", "")) for item in answer["items"]}

    def hover(self, line: int, column: int) -> str:
        """Return what is shown at a place."""
        answer = self.request("textDocument/hover", self._at(line, column))
        return str(answer["contents"]["value"]) if answer else ""

    def _at(self, line: int, column: int) -> dict[str, Any]:
        return {
            "textDocument": {"uri": self.uri},
            "position": {"line": line - 1, "character": column - 1},
        }

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self.number += 1
        number = self.number
        self._send({"id": number, "method": method, "params": params})
        answer = self._wait(lambda m: m.get("id") == number and "method" not in m)
        assert "error" not in answer, answer
        return answer["result"]

    def _wait(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = self.messages.get(timeout=SECONDS)
            if wanted(message):
                return message
            if "id" in message and "method" in message:
                self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        """Answer what the server asks of an editor: its settings."""
        settings = {"validate": True, "hover": True, "completion": True}
        items = message.get("params", {}).get("items", [])
        result = [settings if item.get("section") == "yaml" else None for item in items]
        self._send({"id": message["id"], "result": result or None})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while header := stream.readline().strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                return
            self.messages.put(json.loads(stream.read(length)))
