"""Pictures: what Graphviz, Mermaid and a browser are given has every box and arrow, and no text breaks out of it."""

import re
from html.parser import HTMLParser
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.cli.verbs.layout import layout
from ovn_rules.cli.verbs.pictures import draw
from ovn_rules.cli.verbs.verb import Edge, Graph, Node

ODD = 'a "quoted" \\ <b>&amp;</b> </script> ]--> {{title}} }} #35; | ; é\nsecond'
KINDS = ("fact", "row", "rule", "absent", "note")


@st.composite
def graphs(draw):
    """A graph with up to twelve nodes, cycles and arrows back to the same node included."""
    count = draw(st.integers(1, 12))
    nodes = tuple(Node(f"n{i}", "x" * (3 + i), draw(st.sampled_from(KINDS))) for i in range(count))
    ends = st.integers(0, count - 1)
    pairs = draw(st.sets(st.tuples(ends, ends), max_size=20))
    return Graph("drawn", nodes, tuple(Edge(f"n{a}", f"n{b}") for a, b in sorted(pairs)))


SAMPLE = Graph(
    ODD,
    (*(Node(kind, f"{kind} {ODD}", kind, ODD) for kind in KINDS),),
    (Edge("fact", "rule"), Edge("rule", "row", ODD), Edge("rule", "absent"), Edge("fact", "note"), Edge("row", "fact")),
)


@given(graph=graphs())
@settings(max_examples=100, deadline=None)
def test_boxes_do_not_overlap(graph):
    """No two boxes touch, all are inside the picture, and every arrow goes from its tail to its head."""
    sizes = {n.name: (len(n.label) * 7.0, 30.0) for n in graph.nodes}
    placed = layout(graph, sizes)
    for (one, (x, y)), (other, (u, v)) in combinations(placed.boxes.items(), 2):
        apart = abs(x - u) >= (sizes[one][0] + sizes[other][0]) / 2 or abs(y - v) >= 30
        assert apart, (one, other)
        assert (placed.layers[one] == placed.layers[other]) == (y == v)
    for name, (x, y) in placed.boxes.items():
        width, height = sizes[name]
        assert x - width / 2 >= -1e-6
        assert y - height / 2 >= -1e-6
        assert x + width / 2 <= placed.width + 1e-6
        assert y + height / 2 <= placed.height + 1e-6
    for edge, points in zip(graph.edges, placed.paths, strict=True):
        if edge.tail != edge.head:
            for name, (x, y) in ((edge.tail, points[0]), (edge.head, points[-1])):
                middle = placed.boxes[name]
                assert x == pytest.approx(middle[0])
                assert abs(y - middle[1]) == pytest.approx(15)


def test_arrows_point_down_and_pass_beside_boxes():
    """Without cycles every arrow points down, a long one upright through the layers between."""
    graph = Graph("", tuple(Node(n, n, "fact") for n in "abcd"), tuple(Edge(*p) for p in ("ab", "bc", "cd", "ad")))
    placed = layout(graph, dict.fromkeys("abcd", (50.0, 20.0)))
    assert [placed.boxes[n][1] for n in "abcd"] == sorted(placed.boxes[n][1] for n in "abcd")
    long = placed.paths[3]
    assert [y for _, y in long] == sorted(y for _, y in long)
    assert len(long) == 6
    for x, y in long[1:-1]:
        assert all(abs(x - bx) >= 25 or abs(y - by) > 10 for bx, by in placed.boxes.values())


def test_dot():
    """Graphviz gets quoted strings: quotes and backslashes of the text are escaped."""
    text = draw(SAMPLE, "dot")
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "S", text)
    assert re.fullmatch(r"digraph \{\n(?:  [\w =S;.,>\[\]-]+;\n)+\}\n", rest), rest
    lines = ODD.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    assert f"fact {lines[0]}\\l{lines[1]}\\l" in strings
    assert "\\n".join(lines) in strings
    assert rest.count("->") == 5


def test_mermaid():
    """Mermaid gets each text between quotes, with entities for all that it could take for its own."""
    lines = draw(SAMPLE, "mermaid").splitlines()
    assert lines[0] == "flowchart TB"
    word = r'[^"<>{}\[\]()|#;]|#\d+;|<br/>'
    shape = rf'(?:\("(?:{word})*"\)|\["(?:{word})*"\]|\(\["(?:{word})*"\]\))'
    forms = (rf"  n\d+{shape}:::\w+", rf'  n\d+ -->(?:\|"(?:{word})*"\|)? n\d+', r"  classDef \w+ [\w:#,-]+")
    for line in lines[1:]:
        assert any(re.fullmatch(form, line) for form in forms), line
    assert sum("-->" in line for line in lines) == 5
    assert "#34;quoted#34;" in lines[1]
    assert sum("<br/>second" in line for line in lines) == 6  # five boxes and an arrow


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text):
        """Reads the page."""
        super().__init__()
        self.tags, self.open, self.texts = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Notes a tag."""
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        """Notes its end."""
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        """Notes text by the tag that it is in."""
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def test_html():
    """The page holds all boxes, arrows and details, loads nothing, and text in it is text."""
    text = draw(SAMPLE, "html")
    page = Page(text)
    assert page.texts["title"] == [ODD]
    assert [a["class"] for t, a in page.tags if t == "g" and "node" in a["class"]] == [f"node {k}" for k in KINDS]
    assert all(a["data-number"].isdecimal() and a["data-layer"].isdecimal() for _, a in page.tags if "tabindex" in a)
    assert sum(a.get("class") == "edge" for _, a in page.tags) == 5
    spans = page.texts["tspan"]
    assert spans[0] == f"fact {ODD}".split("\n")[0]
    assert spans[1] == "second"
    assert "b" not in [t for t, _ in page.tags]
    assert len(page.texts["script"]) == 1
    assert "</b>" not in page.texts["script"][0]
    assert not re.search(r"(?:src|href|@import|fetch)\b", re.sub(r"xmlns=\S+", "", text))
    assert "{{" not in text.replace(ODD.split("\n", maxsplit=1)[0].replace('"', "&quot;"), "").replace("{{title}}", "")


def test_an_empty_picture():
    """A graph without edges or with one box, or an arrow to itself, is drawn as well."""
    for form in ("dot", "mermaid", "html"):
        for edges in ((), (Edge("x", "x"),)):
            assert "alone" in draw(Graph("", (Node("x", "alone", "note"),), edges), form)


def test_labels_of_arrows_have_room():
    """The labels of the arrows to a box stand above it, each once, where no other box is."""
    ends = tuple(Node(n, n, "fact") for n in ("one", "other"))
    edges = (
        *(Edge("top", n.name, f"{'a long label to ' * 3}{n.name}\n2\n3\n4\nshared") for n in ends),
        Edge("one", "other", "shared"),
    )
    page = draw(Graph("", (Node("top", "top", "fact"), *ends), edges), "html")
    assert page.count(">shared<") == 2
    boxes = [tuple(map(float, b)) for b in re.findall(r'<rect x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)"', page)]
    assert len(boxes) == 5  # three boxes and two labels
    for (x, y, width, height), (u, v, wide, high) in combinations(boxes, 2):
        assert x + width <= u or u + wide <= x or y + height <= v or v + high <= y
