# SPDX-License-Identifier: Apache-2.0
"""What a command found, and how it is shown: a table for people, JSON for programs."""

import json
import sys
import typing

from oslo_db import exception as db_exception

from blockctl import context
from blockctl import exceptions
from blockctl.cmd import process

#: Exit statuses of a command: all is well, a check found something, it could not be done.
WELL, FOUND, FAILED = 0, 1, 2


#: What ends a command with one line instead of a traceback.
ERRORS = (exceptions.Error, db_exception.DBError)


class Answer(typing.NamedTuple):
    """``rows`` have a cell for each word of ``heading``; ``single``: the one row is one thing, told field by field.

    ``form``: the one in which it is shown whatever is asked for.
    """

    heading: tuple
    rows: list
    status: int = WELL
    single: bool = False
    form: str | None = None


def check(heading, rows):
    """The answer of a check: whatever it found is wrong."""
    return Answer(heading, rows, FOUND if rows else WELL)


def text_of(error):
    """What is said of one of ERRORS; a database's goes on with the statement, which helps nobody here."""
    return str(error).partition('\n')[0]


def log_to_stderr(conf):
    """Have a command's logs stay out of its answer, unless the configuration says where they go."""
    conf.set_default('use_stderr', True)


def give(program, args, find):
    """Show what ``find(ctx)``, an administrator's Answer, is; returns the exit status.

    ``args``: what was parsed, with ``config_file`` and ``format``.
    """
    files = [word for path in args.config_file or () for word in ('--config-file', path)]
    app = process.compose(process.configure([program, *files], prepare=log_to_stderr))
    try:
        answer = find(context.Context(app, is_admin=True, overwrite=True))
    except ERRORS as error:
        print(f'{program}: {text_of(error)}', file=sys.stderr)
        return FAILED
    finally:
        app.notifier.stop()
        app.db.dispose()
    show(args.format, answer)
    return answer.status


def show(form, answer):
    """Print an answer as 'table' or 'json' (a list of objects, one for each row; one object if it is of one thing)."""
    print(as_json(answer) if (answer.form or form) == 'json' else as_table(answer))


def as_json(answer):
    things = [dict(zip(answer.heading, row, strict=True)) for row in answer.rows]
    return json.dumps(things[0] if answer.single else things, default=str, indent=2)


def as_table(answer):
    rows = zip(answer.heading, answer.rows[0], strict=True) if answer.single else [answer.heading, *answer.rows]
    lines = [['' if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)
