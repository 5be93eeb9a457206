"""A daemon that does nothing but be one; the tests start it as a process of its own."""

import os
import sys

import click
import ovs.poller

from ovn_rules.cli.control import ControlError
from ovn_rules.cli.daemon_process import DaemonProcess
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.log import Log
from ovn_rules.cli.options import daemon_options

log = Log("small")
crash = []


def fail(arguments):
    if arguments:
        raise ControlError("this is refused")
    raise ZeroDivisionError("a bug")


def say(arguments):
    log.say(arguments[0], arguments[1])
    return ""


@click.command()
@click.option("--before-ready", default="")
@daemon_options
def small(before_ready, options):
    with DaemonProcess("small", options) as process:
        process.control.register("say", "LEVEL TEXT", 2, 2, say)
        process.control.register("fail", "[WHY]", 0, 1, fail)
        if before_ready == "fail":
            raise Failure("the set-up failed")
        if before_ready == "die":
            os.abort()
        process.ready()
        process.control.register("crash", "", 0, 0, lambda _: crash.append(True) or "")
        while not process.stopping:
            if crash:
                raise ArithmeticError("a bug")
            process.run()
            poller = ovs.poller.Poller()
            process.wait(poller)
            poller.block()
        log.say("info", f"cleanup {process.cleanup}")


if __name__ == "__main__":
    try:
        small(standalone_mode=False)
    except Failure as e:
        e.show()
        sys.exit(e.exit_code)
