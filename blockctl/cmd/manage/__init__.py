# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage: what an operator does by hand.

One module for each noun; ``commands`` is the table of all.
"""

import argparse

from blockctl.cmd import answers
from blockctl.cmd.manage import commands

STATUSES = 'Exit status: 0 all is well, 1 a check found something, 2 it could not be done.'


def make_parser():
    """The parser of the whole command line; what it parses has ``function``, of the command that was named."""
    parser = argparse.ArgumentParser(prog='blockctl-manage', description='Manage a blockctl installation.',
                                     epilog=STATUSES)
    parser.add_argument('--config-file', action='append', metavar='FILE', help='may be given several times')
    _add_format(parser, 'table')
    nouns = parser.add_subparsers(metavar='NOUN', required=True)
    verbs = {}
    for command in commands.COMMANDS:
        if command.noun not in verbs:
            names = ', '.join(each.verb for each in commands.COMMANDS if each.noun == command.noun)
            noun = nouns.add_parser(command.noun, help=names, epilog=STATUSES)
            verbs[command.noun] = noun.add_subparsers(metavar='VERB', required=True)
        verb = verbs[command.noun].add_parser(command.verb, help=command.summary, description=command.description,
                                              epilog=STATUSES)
        for names, options in command.arguments:
            verb.add_argument(*names, **options)
        # Also after the verb, where people add it; there it has no default, which would win over what stood before.
        _add_format(verb, argparse.SUPPRESS)
        verb.set_defaults(function=command.function)
    return parser


def _add_format(parser, default):
    parser.add_argument('--format', choices=('table', 'json'), default=default, help='of the output')


def main(argv=None):
    args = make_parser().parse_args(argv)
    return answers.give('blockctl-manage', args, lambda ctx: run(ctx, args))


def run(ctx, args):
    """The Answer of what was asked for."""
    return args.function(ctx, args)
