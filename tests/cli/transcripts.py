"""Transcripts of sessions: what was asked of the demonstration's network, and what was answered.

A transcript is what ``ovn-rules repl --echo`` prints when its own questions are given to it. Run this file to write
what is answered now, after the difference has been shown; or to record a new one, write its questions, each after
``> ``, into a file in ``transcripts/`` first.
"""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "transcripts"
PROGRAM = [sys.executable, "-m", "ovn_rules.cli.main"]
NETWORK = ["--nb", "nb.db", "--sb", "sb.db", "--ovs", "host1.db", "--ovs", "host2.db"]


def script(transcript):
    """The lines that were typed: questions after their prompts, and comments."""
    typed = []
    asked = False
    for line in transcript.splitlines():
        if line.startswith(("> ", ". ")) and (asked or line[0] == ">"):
            typed.append(line[2:])
            asked = True
        else:
            asked = False
            if line.startswith("# "):
                typed.append(line)
    return "".join(f"{line}\n" for line in typed)


def save_network(folder):
    """Writes the demonstration's network as database files."""
    subprocess.run([*PROGRAM, "demo", "--save", str(folder)], check=True, capture_output=True, timeout=60)


def replayed(transcript, folder):
    """What the same questions print now."""
    done = subprocess.run(
        [*PROGRAM, "repl", "--echo", *NETWORK],
        input=script(transcript),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
        cwd=folder,
    )
    return done.stdout


def difference(old, new, name):
    """Two transcripts' difference, as text."""
    return "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), name, "now"))


def main():
    """Shows what is answered otherwise now, and writes it."""
    with tempfile.TemporaryDirectory() as folder:
        save_network(folder)
        for file in sorted(FOLDER.glob("*.txt")):
            old = file.read_text(encoding="utf-8")
            new = replayed(old, folder)
            sys.stdout.write(difference(old, new, file.name))
            file.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
