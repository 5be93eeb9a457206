"""A question is answered in a process of its own: whatever becomes of it, the one that is asked goes on unharmed."""

import json
import os
import signal
import time
from dataclasses import dataclass
from functools import reduce

import click
import ovs.poller
import pytest

from ovn_rules.cli import asking
from ovn_rules.cli.asking import Question
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine import Engine, Relation, column, load, rule
from ovn_rules.engine.errors import QuestionError


class Place(Relation):
    """A base fact."""

    name: str = column("the place")


class Known(Relation):
    """A derived fact."""

    name: str = column("the place")


@rule
def known(name):
    """Every place is known."""
    Known(name) <= Place(name)


@dataclass
class Network:
    """What is asked about."""

    engine: Engine
    program: object = None


@pytest.fixture
def network():
    """Two places."""
    engine = Engine(load(known))
    engine.transact({"Place": ((), [("a",), ("b",)])})
    return Network(engine)


def verb(answer):
    """A verb that answers so."""
    option = Option("depth", "number", 3, "how deep")
    return Verb("find", "WHAT", "", "", (), answer, lambda *_: None, options=(option,))


def finish(question):
    """The reply."""
    while (reply := question.run()) is None:
        poller = ovs.poller.Poller()
        question.wait(poller)
        poller.timer_wait(5000)
        poller.block()
    return json.loads(reply)


def running(pid):
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_sees_what_was_so_when_it_was_asked(network):
    """Changes after the question are not in its answer, and changes that the verb makes are not in the engine."""

    def answer(world, text, options):
        time.sleep(0.2)
        seen = sorted(world.engine.facts("Known"))
        world.engine.transact({"Place": ([("a",)], [("x",)])})
        return {"seen": seen, "text": text, "options": options}

    question = Question(network, verb(answer), "what", {}, state="active")
    network.engine.transact({"Place": ((), [("c",)])})
    expected = {"seen": [["a"], ["b"]], "text": "what", "options": {"depth": 3}}
    assert finish(question) == {"document": expected, "state": "active"}
    assert sorted(network.engine.facts("Known")) == [("a",), ("b",), ("c",)]


def test_several_at_a_time(network):
    """Questions don't wait for each other."""

    def answer(_world, text, _options):
        time.sleep(float(text))
        return {"text": text}

    slow, fast = Question(network, verb(answer), "30", {}), Question(network, verb(answer), "0", {})
    assert finish(fast) == {"document": {"text": "0"}}
    assert slow.run() is None
    slow.close()


def raising(error):
    """A verb that raises."""

    def answer(*_):
        raise error

    return verb(answer)


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Failure("no such fact"), {"error": "no such fact", "status": 1}),
        (click.UsageError("not so"), {"error": "not so", "status": 2}),
        (
            QuestionError("no relation X", "X()", 0, 1, "did you mean 'Y'?"),
            {"error": "no relation X\n    X()\n    ^\n  hint: did you mean 'Y'?", "status": 1},
        ),
    ],
)
def test_what_a_verb_refuses(network, error, reply):
    """What the verb says of the question is the reply."""
    assert finish(Question(network, raising(error), "", {})) == reply


def test_a_fault_in_a_verb(network):
    """A fault is one line, and where it came from."""
    reply = finish(Question(network, raising(KeyError("a\nb")), "", {}))
    assert reply["crash"] == r"KeyError: 'a\nb'"
    assert "in answer" in reply["traceback"]
    reply = finish(Question(network, verb(lambda *_: {"fact": object()}), "", {}))
    assert reply["crash"] == "TypeError: Object of type object is not JSON serializable"
    deep = reduce(lambda inside, _: [inside], range(100_000), [])
    reply = finish(Question(network, verb(lambda *_: deep), "Known", {}))
    assert reply["crash"].startswith("RecursionError")


def test_a_question_that_takes_too_long(network):
    """It ends itself, and leaves no process."""
    question = Question(network, verb(lambda *_: time.sleep(60)), "", {}, seconds=1)
    pid = question._pid
    assert finish(question) == {"error": "find: given up after 1 s; ask for less", "status": 1}
    assert not running(pid)


def test_a_question_that_is_killed(network):
    """As the kernel does when memory runs out."""
    question = Question(network, verb(lambda *_: os.kill(os.getpid(), signal.SIGKILL)), "", {})
    assert finish(question)["error"] == "find: ended by SIGKILL before it had an answer"


def test_a_question_that_is_given_up(network):
    """Nothing is left of it; and closing one that has been answered does nothing."""
    question = Question(network, verb(lambda *_: time.sleep(60)), "", {})
    pid = question._pid
    question.close()
    assert not running(pid)
    question = Question(network, verb(lambda *_: {}), "", {})
    finish(question)
    question.close()


def test_an_answer_may_be_too_large(network):
    """Where there is a limit; without one, megabytes come through."""
    large = verb(lambda *_: {"text": "x" * 3_000_000})
    assert len(finish(Question(network, large, "", {}))["document"]["text"]) == 3_000_000
    reply = finish(Question(network, large, "", {}, most=2_000_000))
    assert reply == {"error": "the answer has 3 MB, more than 2 MB; ask for less", "status": 1}


def test_it_holds_nothing_open(network):
    """Who the asked process talks to sees at once when it hangs up, while a question is under way."""
    reading, writing = os.pipe()
    question = Question(network, verb(lambda *_: time.sleep(60)), "", {})
    try:
        os.close(writing)
        assert os.read(reading, 1) == b""  # and doesn't wait until the question is answered
        assert question.run() is None
    finally:
        os.close(reading)
        question.close()


def test_memory_that_is_not_there(network, monkeypatch):
    """A question that wants more memory than it may have fails, and nothing else does."""
    monkeypatch.setattr(asking, "MEMORY", 64 << 20)
    reply = finish(Question(network, verb(lambda *_: {"size": len(b"a" * (256 << 20))}), "a", {}))
    assert reply["crash"].startswith("MemoryError")
    assert finish(Question(network, verb(lambda *_: {"size": len(b"a" * (8 << 20))}), "a", {})) == {
        "document": {"size": 8 << 20}
    }
