"""Transcripts of sessions are replayed: the same questions have the same answers (``transcripts.py`` writes them)."""

import pytest
from transcripts import FOLDER, difference, replayed, save_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The demonstration's network as files."""
    folder = tmp_path_factory.mktemp("network")
    save_network(folder)
    return folder


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda f: f.stem)
def test_transcript(file, network):
    """What was answered is answered."""
    old = file.read_text(encoding="utf-8")
    new = replayed(old, network)
    assert new == old, difference(old, new, file.name)
