# SPDX-License-Identifier: Apache-2.0
"""Options of ``tools/simulate``, and what happens from the first to the last."""

import argparse
import dataclasses
import json
import math
import os
import sys

from oslo_config import cfg

from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.conf import scheduler as scheduler_conf
from blockctl.scheduler import pick

from simulation import dumps
from simulation import figures
from simulation import fleets
from simulation import play
from simulation import plots

EPILOG = """\
examples:
  tools/simulate --pools 200 --requests 20000 --plot picture.png
  tools/simulate --compare CapacityWeigher --compare AllocatedCapacityWeigher ChanceWeigher --plot picture.png
  tools/simulate --compare CapacityWeigher --compare CapacityWeigher=-1 \\
      --compare CapacityWeigher scheduler_weight_handler=stochastic --schedulers 8 --stale 5
  blockctl-manage pool dump > pools.json;  tools/simulate --dump pools.json --config-file /etc/blockctl/blockctl.conf
exit code: 0 done, 1 not all could be done, 2 the options or the dump are wrong
"""

#: The option that multiplies what a weigher says.
MULTIPLIERS = {'CapacityWeigher': 'capacity_weight_multiplier',
               'AllocatedCapacityWeigher': 'allocated_capacity_weight_multiplier',
               'VolumeNumberWeigher': 'volume_number_multiplier'}

_LISTS = ('scheduler_default_filters', 'scheduler_default_weighers')

#: Options of the scheduler that a run may have of its own.
_OF_RUN = {option.name for option in scheduler_conf.OPTIONS} - {*_LISTS, 'scheduler_max_attempts'}

_DESCRIPTION = fleets.Description()
_LOAD = play.Load()

#: What says how an installation is made, and so does not go with one that is read.
_MADE = ('pools', 'thin_share', 'zones', 'types', 'pool_sizes', 'ratio', 'fill', 'unknown_share')


class UsageError(Exception):
    """Options that do not go together."""


def whole(text, least=1):
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f'{text} is less than {least}')
    return number


def share(text):
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not between 0 and 1')
    return number


def amount(text):
    """0 or more, and finite."""
    number = float(text)
    if not 0 <= number < 1e12:
        raise argparse.ArgumentTypeError(f'{text} is not 0 or more')
    return number


def finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f'{text} is not a finite number')
    return number


def positive(text):
    number = amount(text)
    if not number:
        raise argparse.ArgumentTypeError(f'{text} is not more than 0')
    return number


def build_parser():
    parser = argparse.ArgumentParser(
        prog='tools/simulate', epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run blockctl's own picking of pools over a made installation, or over the dump of a live one, in "
                    "simulated time; tell how full and how even pools get, and how often something is tried again.")
    _add_fleet(parser.add_argument_group('the installation'))
    _add_load(parser.add_argument_group('what happens (seconds are of simulated time)'))
    _add_picking(parser.add_argument_group('the picking (default: the options of --config-file, else of blockctl)'))
    out = parser.add_argument_group('what comes of it')
    out.add_argument('--plot', metavar='FILE.png', help='write a picture of all runs (needs matplotlib)')
    out.add_argument('--json', metavar='FILE', help='write all figures, - for standard output')
    out.add_argument('--quiet', action='store_true', help='say nothing on standard error meanwhile')
    return parser


def _add_fleet(group):
    made = _DESCRIPTION
    group.add_argument('--dump', metavar='FILE', help='what "blockctl-manage pool dump" wrote, instead of a made one')
    group.add_argument('--pools', type=whole, metavar='N', help=f'({made.pools})')
    group.add_argument('--thin-share', type=share, metavar='SHARE', help=f'of the pools, from 0 to 1 ({made.thin:g})')
    group.add_argument('--zones', type=whole, metavar='N', help=f'({made.zones})')
    group.add_argument('--types', type=whole, metavar='N', help=f'volume types: all but the first are for some pools '
                       f'only, every {fleets.THICK_TYPES}th is thick ({made.types})')
    group.add_argument('--pool-sizes', type=whole, nargs='+', metavar='GIB',
                       help=f'each pool has one of these ({" ".join(map(str, made.totals))})')
    group.add_argument('--ratio', type=positive, metavar='RATIO',
                       help=f'max_over_subscription_ratio of thin pools ({made.ratio:g})')
    group.add_argument('--fill', type=share, metavar='SHARE', help=f'of what may be promised, at first ({made.fill:g})')
    group.add_argument('--unknown-share', type=share, metavar='SHARE',
                       help=f'of pools that do not tell their capacity ({made.unknown:g})')


def _add_load(group):
    def add(name, kind, metavar, text):
        field = name.lstrip('-').replace('-', '_')
        group.add_argument(name, type=kind, metavar=metavar, default=getattr(_LOAD, field),
                           help=f'{text} (%(default)g)'.lstrip())

    add('--requests', whole, 'N', '')
    add('--rate', positive, 'N', 'requests per second')
    add('--deletes', share, 'SHARE', 'of the requests')
    add('--extends', share, 'SHARE', 'of the requests')
    add('--schedulers', whole, 'N', '')
    add('--stale', amount, 'SECONDS', 'for which a scheduler uses what it knows of the pools')
    add('--decision-time', amount, 'SECONDS', 'from its look to its claim')
    add('--create-time', amount, 'SECONDS', 'from the claim until the volume is there')
    add('--report-delay', amount, 'SECONDS', "from a backend's look at itself until its report is stored")
    add('--fail-rate', amount, 'N', 'failures of each backend per hour')
    add('--repair-time', positive, 'SECONDS', 'until a failed backend returns, on average')
    add('--create-errors', share, 'SHARE', 'of the creates that their backend refuses')
    add('--written', share, 'SHARE', 'of a thin volume that is written')
    group.add_argument('--report-interval', type=positive, metavar='SECONDS',
                       help='between two reports (the option backend_stats_polling_interval)')
    group.add_argument('--seed', type=int, default=_LOAD.seed, metavar='N', help='(%(default)s)')


def _add_picking(group):
    group.add_argument('--config-file', action='append', metavar='FILE', help='may be given several times')
    group.add_argument('--filters', nargs='+', metavar='FILTER')
    group.add_argument('--weighers', nargs='+', metavar='WEIGHER')
    group.add_argument('--weight-handler', metavar='NAME', help='ordered or stochastic')
    for option in MULTIPLIERS.values():
        group.add_argument(f'--{option.replace("_", "-")}', type=finite, metavar='NUMBER')
    group.add_argument('--compare', nargs='+', action='append', metavar='WEIGHER[=MULTIPLIER]',
                       help='a run with these weighers; may be given several times. OPTION=VALUE sets another option '
                       'of the scheduler for that run')


def options_of(words):
    """The scheduler's options that the words of one --compare stand for."""
    options = {}
    for word in words:
        name, equals, value = word.partition('=')
        if name in _OF_RUN and equals:
            options[name] = value
            continue
        options.setdefault('scheduler_default_weighers', []).append(name)
        if equals and name not in MULTIPLIERS:
            raise UsageError(f'{word}: {name} is neither an option of the scheduler nor a weigher with a multiplier')
        if equals:
            try:
                options[MULTIPLIERS[name]] = finite(value)
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise UsageError(f'{word}: {value!r} is not a finite number') from error
    return options


def common_options(args):
    """Those of all runs, as far as they are given."""
    given = {'scheduler_default_filters': args.filters, 'scheduler_weight_handler': args.weight_handler,
             **(options_of(args.weighers) if args.weighers else {})}
    given |= {option: value for option in MULTIPLIERS.values() if (value := getattr(args, option)) is not None}
    return {name: value for name, value in given.items() if value is not None}


def runs_of(args):
    """[(label, options of the scheduler)]."""
    common = common_options(args)
    if args.compare:
        return [(' '.join(words), common | options_of(words)) for words in args.compare]
    return [(' '.join(args.weighers or ()), common)]


def with_options(conf, options, use):
    """``use()`` while ``conf`` has these options. Raises UsageError for a value that is none."""
    try:
        for name, value in options.items():
            conf.set_override(name, value)
        return use()
    except ValueError as error:
        raise UsageError(str(error)) from error
    finally:
        for name in options:
            conf.clear_override(name)


def effective(conf):
    """The options of the scheduler as they are now."""
    return {option.name: getattr(conf, option.dest) for option in scheduler_conf.OPTIONS}


def installation_of(args):
    if args.dump is None:
        values = dict(zip((field.name for field in dataclasses.fields(fleets.Description)),
                          (getattr(args, name) for name in _MADE), strict=True))
        values['totals'] = values['totals'] and tuple(values['totals'])
        return fleets.make(fleets.Description(**{
            name: value for name, value in values.items() if value is not None}), args.seed)
    given = [f'--{name.replace("_", "-")}' for name in _MADE if getattr(args, name) is not None]
    if given:
        raise UsageError(f'{", ".join(given)}: a dump says that itself')
    return dumps.read(args.dump)


def load_of(args, conf):
    if args.deletes + args.extends > 1:
        raise UsageError('--deletes and --extends are more than all requests')
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(play.Load)
              if hasattr(args, field.name)}
    return play.Load(**values | {
        'down_time': conf.service_down_time, 'max_attempts': conf.scheduler_max_attempts,
        'report_interval': args.report_interval or conf.backend_stats_polling_interval})


def check_files(args):
    """What is written at the end is to be writable, and drawable, before a long run."""
    for path in (args.plot, args.json):
        folder = os.path.dirname(path or '') or '.'
        if path and not (os.path.isdir(folder) and os.access(folder, os.W_OK)):
            raise UsageError(f'{path}: there is no such folder that can be written to')
    if args.plot:
        if not args.plot.endswith('.png'):
            raise UsageError(f'{args.plot}: the name of a picture ends in .png')
        plots.check()


def simulate(args):
    """The result, as --json writes it."""
    check_files(args)
    conf = configuration.load([], files=args.config_file or [])
    load, installation, runs = load_of(args, conf), installation_of(args), runs_of(args)
    # Whatever is wrong with the options of the last run is told before the first.
    settings = [with_options(conf, options, lambda: (effective(conf), pick.Picker(conf, None))[0])
                for _label, options in runs]
    results = []
    for number, ((label, options), setting) in enumerate(zip(runs, settings, strict=True), 1):
        label = label or ' '.join(setting['scheduler_default_weighers']) or 'no weigher'
        tell = _teller(f'run {number} of {len(runs)}, {label}', args.quiet)
        tell('begins')
        played = play.Play(installation, load, lambda view, options=options: with_options(
            conf, options, lambda: pick.Picker(conf, view)), tell).run()
        results.append(figures.result(label, setting, played))
    return {'installation': installation.summary(), 'load': dataclasses.asdict(load), 'runs': results}


def _teller(head, quiet):
    return lambda text: None if quiet else print(f'{head}: {text}', file=sys.stderr, flush=True)


def _write(document, path):
    if path == '-':
        print(json.dumps(document, indent=1))
        return
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)


def main(argv=None):
    args = build_parser().parse_args(argv)
    try:
        document = simulate(args)
        if args.plot:
            plots.draw(document, args.plot)
        if args.json:
            _write(document, args.json)
    except (UsageError, dumps.DumpError, exceptions.ConfigurationError, cfg.Error) as error:
        print(f'tools/simulate: {error}', file=sys.stderr)
        return 2
    except (plots.NoPlots, OSError) as error:
        print(f'tools/simulate: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('tools/simulate: interrupted', file=sys.stderr)
        return 1
    if args.json != '-':
        print(figures.table(document['runs']))
    return 0
