"""Brings the documents up to date with what their commands print, and shows what changed.

usage: python tests/docs/rewrite.py [NAME...]
"""

import difflib
import sys
import tempfile
from pathlib import Path

from documents import DOCS, replayed
from test_documents import DOCUMENTS

for name in sys.argv[1:] or DOCUMENTS:
    path = DOCS / name
    old = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        new = replayed(path, Path(folder))
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, name))
    path.write_text(new, encoding="utf-8")
