"""Documents whose commands are run: what they print is what the document says.

A block ``console`` has commands, each after ``$ ``, and what they print. Any other block with a file's name after its
language is that file. All blocks of a document share a folder, in their order.
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

_STYLE = re.compile(r"\x1b\[[\d;]*m")

SECONDS = 60
COLUMNS = 120


def replayed(document, folder):
    """The document's text with what its commands print now.

    Args:
        document: its path.
        folder: an empty folder, where its files are written and its commands run.
    """

    def block(found):
        if found["language"] == "console":
            return f"```console\n{session(found['text'], folder)}```"
        if found["file"]:
            (folder / found["file"]).write_text(found["text"], encoding="utf-8")
        return found[0]

    return _BLOCK.sub(block, document.read_text(encoding="utf-8"))


def session(text, folder):
    """A block's commands with what they print."""
    lines = []
    for command in commands(text):
        lines.append(f"$ {command}\n")
        lines.append(printed(command, folder))
    return "".join(lines)


def commands(text):
    """The commands of a block; one goes on in the next line after a backslash, or as a here-document."""
    found = []
    open_until = None
    for line in text.splitlines():
        if open_until is not None:
            found[-1] += f"\n{line}"
            if open_until in ("\\", line):
                open_until = "\\" if open_until == "\\" and line.endswith("\\") else None
        elif line.startswith("$ "):
            found.append(line[2:])
            here = re.search(r"<<\s*'?(\w+)'?", line)
            open_until = here[1] if here else "\\" if line.endswith("\\") else None
    return found


def printed(command, folder):
    """What a command prints on a terminal, without colours; then its errors, and an exit status other than 0."""
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": f"{launcher(folder)}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "COLUMNS": str(COLUMNS),
    }
    ours, theirs = pty.openpty()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=errors
        ) as process,
    ):
        os.close(theirs)
        text = _all(ours).decode().replace("\r\n", "\n")
        status = process.wait(SECONDS)
        errors.seek(0)
        text += errors.read().decode()
    text = re.sub(r" +$", "", _STYLE.sub("", text), flags=re.MULTILINE)
    text = text if not text or text.endswith("\n") else f"{text}\n"
    return text + (f"[exit status {status}]\n" if status else "")


def _all(terminal):
    """What comes from a terminal until nobody has it open."""
    parts = []
    with open(terminal, "rb", buffering=0) as stream:  # noqa: PTH123 - it is a descriptor
        while True:
            try:
                parts.append(stream.read(1 << 16))
            except OSError:  # how Linux says that the other side is closed
                return b"".join(parts)


def launcher(folder):
    """A folder with the commands ``ovn-rules`` and ``python3`` of this interpreter."""
    place = folder / ".bin"
    if not place.exists():
        place.mkdir()
        for name, arguments in (("ovn-rules", " -m ovn_rules.cli.main"), ("python3", "")):
            script = place / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
            script.chmod(0o755)
    return place
