# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage config: what this machine's services would read."""

from blockctl import conf as configuration
from blockctl.cmd.answers import Answer
from blockctl.volume import service as volume_service

SECRET = '****'  # noqa: S105 - stands in for one


def show_all(ctx, args):
    """List the options that are in force, and which file sets them. Secrets are not shown."""
    sections = [(group, option) for group, options in configuration.GROUPS for option in options]
    for name in ctx.conf.enabled_backends:
        sections += [(name, option) for option in volume_service.options_of(ctx.conf, name)]
    rows = [_row(ctx.conf, group, option) for group, option in sections if args.option in (None, option.dest)]
    return Answer(('Section', 'Option', 'Value', 'Set in'), rows)


def _row(conf, group, option):
    place = conf if group == 'DEFAULT' else conf[group]
    value = getattr(place, option.dest)
    location = conf.get_location(option.dest, None if group == 'DEFAULT' else group)
    return (group, option.dest, SECRET if option.secret and value else value,
            location.detail if location is not None and location.location.is_user_controlled else '')
