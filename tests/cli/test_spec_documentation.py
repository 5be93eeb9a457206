"""The reference of the spec format says what the format is, and the reference of ezbake is what its specs say."""

import re
import shutil
import textwrap
from pathlib import Path

import pytest
from specs import run

from ovn_rules.cli.spec.document import Mistakes
from ovn_rules.cli.spec.facts import FactRow, selection
from ovn_rules.cli.spec.programs import rules_of
from ovn_rules.cli.spec.report import fact_text
from ovn_rules.cli.spec.values import from_text, written
from ovn_rules.cli.verbs.facts import fact_document
from ovn_rules.cli.verbs.facts import fact_text as document_text
from ovn_rules.engine import Engine

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "specs.md").read_text()
EZBAKE = ROOT / "tests" / "spec" / "ezbake"
FENCES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)

HEAD = "subject: x\nprogram: ezbake\nroles: [northd]\nuse: network.yaml\n"
GIVEN = "given: |\n  switch(sw0)\n  switch(sw1)\n"
PORTS = "given: |\n  port(a, switch=sw1)\n  port(b, switch=sw1)\n"


def around(fence):
    """A spec file that an example stands in."""
    word = fence.partition(":")[0]
    if word == "subject":
        return fence
    if word == "templates":
        return HEAD.replace("use: network.yaml\n", "") + fence + "cases:\n- name: x\n  given: two-ports(a, b)\n"
    if word == "- name":
        return HEAD + GIVEN + "cases:\n" + fence
    if "FlowHint" in fence:
        return HEAD.replace("northd", "everything") + "cases:\n- name: x\n" + textwrap.indent(fence, "  ")
    case = fence if word == "given" else PORTS + fence
    return HEAD + GIVEN + "cases:\n- name: x\n" + textwrap.indent(case, "  ")


@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.splitlines()[1].strip())
def test_examples(tmp_path, fence):
    """Every example of the reference can be read, and holds."""
    shutil.copy(EZBAKE / "network.yaml", tmp_path)
    path = tmp_path / "example.yaml"
    text = around(fence)
    if "two-ports" in fence:
        text = text.replace("cases:", "given: {nb.Logical_Switch: [sw0]}\ncases:")
    path.write_text(text)
    result = run(path)
    assert result.exit_code == 0, result.output


def test_every_word_is_described():
    """The reference names every word that a file, a case or a step may have."""
    from ovn_rules.cli.spec.reader import CASE, HEAD, STEP

    described = set(re.findall(r"`(\w+)`", TEXT)) | set(re.findall(r"`((?:\w+ )+\w+)`", TEXT))
    words = {word for each in described for word in each.split()}
    assert words >= {*HEAD, *CASE, *STEP}


def test_ezbake_is_fresh():
    """docs/ezbake.md is what the specs say now: ``ovn-rules spec --render tests/spec/ezbake > docs/ezbake.md``."""
    result = run("--render", EZBAKE)
    assert result.exit_code == 0, result.output
    assert (ROOT / "docs" / "ezbake.md").read_text() == result.output


def test_links_of_ezbake():
    """Every link inside docs/ezbake.md leads to a heading of it."""
    text = (ROOT / "docs" / "ezbake.md").read_text()
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= headings


FACTS = [
    ("Pipeline", ("sw0", 1, 50, 'inport == "a, b" && x', "it's; | next;")),
    ("Binding", ("sw0", "a", 1, ("vm",), (), "", ("02:00:00:00:00:0b 10.0.0.1", "[x]"))),
    ("TunnelPort", ("hv1/br", "ovn-a-0", "a", "geneve", (("key", "flow"), ("remote_ip", "192.0.2.1")))),
    ("PortUp", ("a", (True,))),
]


@pytest.mark.parametrize(("relation", "fact"), FACTS, ids=lambda each: each if isinstance(each, str) else "")
def test_printed_facts_can_be_pasted(relation, fact):
    """What a failure prints, and what the verbs print, is read as the same fact; a cell is read as it was written."""
    program = rules_of("ezbake").program("everything")
    definition = program.relations[relation]
    engine = Engine(program)
    whole = dict(enumerate(fact))
    texts = [fact_text(definition, FactRow(whole, 0))]
    if relation != "Pipeline":  # quotes inside of a text are printed as they are
        texts.append(document_text(fact_document(engine, relation, fact)).plain)
    for text in texts:
        mistakes = Mistakes("file")
        assert selection(definition, text, 1, mistakes) == whole, text
        assert not mistakes.found
    for value, column in zip(fact, definition.columns, strict=True):
        assert from_text(written(value, column.type), column.type) == value
        assert " | " not in written(value, column.type)
