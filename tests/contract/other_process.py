# SPDX-License-Identifier: Apache-2.0
"""A driver in a process of its own, for tests that stop, kill or fence it.

Run by ``python -m``, it is given the driver's name and options (JSON), and then one order (JSON) per line of input,
each answered by one line.  :class:`Other` is the test's end of it.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

from blockctl import exceptions
from blockctl.drivers import interface

from . import effects
from . import stands

_TESTS = pathlib.Path(__file__).parent.parent


class Other:
    """A process with a started driver like the stand's."""

    def __init__(self, stand):
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'contract.other_process', json.dumps([stand.name, stand.values])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(_TESTS), *filter(None, sys.path)])})
        self.identity = self.answer()

    def order(self, call, *arguments, epoch=1, **at):
        """Begin a call. ``at``: stop_at_check, kill_at_check (a number), kill_at_progress (0 to 1)."""
        print(json.dumps({'call': call, 'arguments': [_written(a) for a in arguments], 'epoch': epoch, **at}),
              file=self._process.stdin, flush=True)

    def answer(self):
        """What became of the oldest call not answered: 'done', or the name of the error's class."""
        return json.loads(self._process.stdout.readline())

    def wait_stopped(self):
        stands.wait_for(lambda: self._state() == 'T')

    def wait_dead(self):
        self._process.wait(30)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait(30)

    def end(self):
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):  # orders it did not live to read
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _state(self):
        with open(f'/proc/{self._process.pid}/stat') as stat:
            return stat.read().rpartition(')')[2].split()[0]


def _written(argument):
    """A volume or snapshot as JSON has it; numbers and texts as they are."""
    return dataclasses.asdict(argument) if dataclasses.is_dataclass(argument) else argument


def _read(argument):
    if not isinstance(argument, dict):
        return argument
    if 'volume' in argument:
        return interface.Snapshot(**{**argument, 'volume': interface.Volume(**argument['volume'])})
    return interface.Volume(**argument)


def _serve(name, values):
    driver = stands.make_driver(name, **values)
    driver.start()
    _say(driver.identity())
    for line in sys.stdin:
        order = json.loads(line)
        arguments = [_read(argument) for argument in order['arguments']]
        try:
            getattr(driver, order['call'])(*arguments, _effect(driver, order))
        except exceptions.Error as error:
            _say(type(error).__name__)
        else:
            _say('done')


def _effect(driver, order):
    def at_check(number):
        if number == order.get('stop_at_check'):
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread first, all with it
        if number == order.get('kill_at_check'):
            os.kill(os.getpid(), signal.SIGKILL)

    def at_progress(done):
        if done >= order.get('kill_at_progress', 2):
            os.kill(os.getpid(), signal.SIGKILL)

    return effects.Effect(epoch=order['epoch'], identity=driver.identity(), at_check=at_check,
                          at_progress=at_progress, lose_at=order.get('lose_at'))


def _say(answer):
    print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    _serve(*json.loads(sys.argv[1]))
