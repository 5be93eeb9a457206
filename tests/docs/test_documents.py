"""What the documents show is what the commands print."""

import difflib

import pytest
from documents import DOCS, commands, replayed

DOCUMENTS = ("tutorial.md", "writing-rules.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document(name, tmp_path):
    """Each command of a document prints what stands below it (tests/docs/rewrite.py brings it up to date)."""
    path = DOCS / name
    text = path.read_text(encoding="utf-8")
    now = replayed(path, tmp_path)
    assert now == text, "\n" + "\n".join(
        difflib.unified_diff(text.splitlines(), now.splitlines(), name, "now", "", "", 1)
    )


def test_commands():
    """Output isn't taken for commands; backslashes and here-documents go on."""
    text = "$ one\nout\n$ two \\\n  more\nout\n$ three <<END\n$ not a command\nEND\nout\n"
    assert commands(text) == ["one", "two \\\n  more", "three <<END\n$ not a command\nEND"]


def test_output_is_replayed(tmp_path):
    """What is shown, wrong output and exit statuses included, comes from the command and not from the document."""
    path = tmp_path / "document.md"
    path.write_text("```text notes\nhello\n```\n```console\n$ cat notes; false\nwrong\n```\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "$ cat notes; false\nhello\n[exit status 1]\n```" in replayed(path, folder)
