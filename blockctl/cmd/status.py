# SPDX-License-Identifier: Apache-2.0
"""blockctl-status: whether an installation is ready for this release."""

import argparse
import enum
import json

import yaml
from oslo_config import cfg

from blockctl import policies
from blockctl import version
from blockctl.cmd import answers
from blockctl.conf import listing
from blockctl.db import jobs
from blockctl.db import online_migrations
from blockctl.db import schema
from blockctl.db import services
from blockctl.rpc import transport
from blockctl.volume import service as volume_service

PROGRAM = 'blockctl-status'

#: Sections that hold, beside their own options, those of a way to authenticate that the operator chose.
_AUTHENTICATED = {'keystone_authtoken', 'nova', 'key_manager'}


class Code(enum.IntEnum):
    """What came of a check; the worst is the exit status."""

    SUCCESS = 0
    WARNING = 1
    FAILURE = 2


def database(ctx):
    """The database can be reached, and its schema is this release's."""
    found = schema.version(ctx.app.db)
    if found == schema.HEAD:
        return Code.SUCCESS, []
    at = f'at {found}' if found else 'not there'
    return Code.FAILURE, [f'the schema is {at}, this release needs {schema.HEAD}: blockctl-manage db sync']


def rows(ctx):
    """No row has the form of an older release."""
    with ctx.reading():
        left = online_migrations.waiting(ctx)
    return Code.WARNING if left else Code.SUCCESS, [
        f'{step}: {count} rows left: blockctl-manage db online_data_migrations' for step, count in left.items()]


def running(ctx):
    """No process runs another release."""
    with ctx.reading():
        found = services.other_versions(ctx, version.text(), ctx.conf.service_down_time)
    return Code.WARNING if found else Code.SUCCESS, [
        f'{row.binary} on {row.host} runs {row.version}, this is {version.text()}' for row in found]


def work(ctx):
    """This release understands every job that is under way."""
    with ctx.reading():
        found = jobs.beyond(ctx)
    return Code.FAILURE if found else Code.SUCCESS, [
        f'{row.count} jobs of kind {row.kind} were posted by a newer release, and are left to it' for row in found]


def options(ctx):
    """Every option that is set is known, and not on its way out."""
    known = _known(ctx.conf)
    details = []
    for path in ctx.conf.config_file or ():
        for section, names in _sections(path).items():
            if section not in known:
                details.append(f'{path}: nothing reads the section [{section}]')
                continue
            details += [f'{path}: [{section}] {name}: {wrong}' for name in names
                        if (wrong := _judge(section, name, known[section]))]
    return Code.WARNING if details else Code.SUCCESS, details


def _sections(path):
    """{section: [names of options]} as they stand in a file, but for backends that are not enabled."""
    found = {}
    cfg.ConfigParser(path, found).parse()
    return found


def _known(conf):
    """{section: {name of an option, or a former one: what is wrong with using it, or None}}."""
    transport.library()  # whoever loads its options first loads it all, and it has to be told of threads
    known = {}
    for group, found in listing.every_option():
        _add(known, str(getattr(group, 'name', group) or 'DEFAULT'), found)
    for name in conf.enabled_backends:
        _add(known, name, volume_service.options_of(conf, name))
    return known


def _add(known, section, found):
    for option in found:
        names = known.setdefault(section, {})
        names[option.dest] = 'it has no effect any more' if option.deprecated_for_removal else None
        for former in option.deprecated_opts:
            place = known.setdefault(str(former.group or section), {})
            place.setdefault((former.name or option.dest).replace('-', '_'), f'it is [{section}] {option.dest} now')


def _judge(section, name, names):
    name = name.replace('-', '_')
    if name in names:
        return names[name]
    return None if section in _AUTHENTICATED else 'there is no such option'


def policy_file(ctx):
    """The policy file is YAML, and names rules that there are."""
    path = ctx.conf.find_file(ctx.conf.oslo_policy.policy_file)
    if path is None:
        return Code.SUCCESS, []
    with open(path, encoding='utf-8') as file:
        text = file.read()
    if _is_json(text):
        return Code.FAILURE, [f'{path} is JSON, which oslo.policy reads no more: oslopolicy-convert-json-to-yaml']
    unknown = sorted(set(yaml.safe_load(text) or {}) - {rule.name for rule in policies.list_rules()})
    return Code.WARNING if unknown else Code.SUCCESS, [f'{path}: nothing asks the rule {name}' for name in unknown]


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


#: (what is checked, function(ctx) that returns (Code, [detail])); the first is what those of ROWS need.
CHECKS = (
    ('Database', database),
    ('Rows of older releases', rows),
    ('Running services', running),
    ('Jobs', work),
    ('Options', options),
    ('Policy file', policy_file),
)

#: Checks that look at rows, which are to be found where this release expects them only with its schema.
ROWS = {rows, running, work}


def check(ctx):
    """The Answer of all checks. What a check cannot find out is a failure of it."""
    found, codes = [], {}
    for name, function in CHECKS:
        if function in ROWS and codes[database] is Code.FAILURE:
            found.append((name, 'Skipped', ''))
            continue
        try:
            codes[function], details = function(ctx)
        except answers.ERRORS as error:
            codes[function], details = Code.FAILURE, [answers.text_of(error)]
        found.append((name, codes[function].name.capitalize(), '; '.join(details)))
    return answers.Answer(('Check', 'Result', 'Details'), found, int(max(codes.values())))


def make_parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description='Tell whether an installation is ready for this release; changes nothing.',
        epilog='Exit status: 0 it is, 1 something should be looked at, 2 something has to be done first.')
    parser.add_argument('--config-file', action='append', metavar='FILE', help='may be given several times')
    parser.add_argument('--format', choices=('table', 'json'), default='table', help='of the output')
    parser.add_argument('noun', choices=('upgrade',), help='what it is about')
    parser.add_argument('verb', choices=('check',), help='what is done about it')
    return parser


def main(argv=None):
    args = make_parser().parse_args(argv)
    return answers.give(PROGRAM, args, check)
