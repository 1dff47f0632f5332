# SPDX-License-Identifier: Apache-2.0
"""One picture of one or several runs, as matplotlib draws it (the extra ``simulate`` of setup.cfg)."""

MISSING = ("pictures need matplotlib, which is not installed here: pip install 'blockctl[simulate]', or "
           "pip install 'matplotlib>=3.8'. --json FILE writes the figures without it.")

#: Inches.
SIZE = (15, 9)

PROMISED = 'Promised of what may be promised (%)'


class NoPlots(Exception):
    """matplotlib is not there."""


def check():
    """Raises NoPlots. To be called before a long run."""
    _figure_class()


def _figure_class():
    try:
        from matplotlib import figure  # imported late: an extra, and it takes a second
    except ImportError as error:
        raise NoPlots(MISSING) from error
    return figure.Figure


def draw(document, path):
    """Write the picture of a result (cli.py's --json) to a file, in the format that its name ends in."""
    figure = _figure_class()(figsize=SIZE, layout='constrained')
    figure.suptitle(_title(document['installation'], document['load']))
    for axes, panel in zip(figure.subplots(2, 3).flat, PANELS, strict=True):
        panel(axes, document['runs'])
        axes.grid(visible=True, alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=min(4, len(labels)))
    figure.savefig(path, dpi=100)


def _title(fleet, load):
    return (f'{fleet["pools"]} pools ({fleet["thin"]} thin, {fleet["thick"]} thick), {fleet["types"]} types, '
            f'{fleet["zones"]} zones; {load["requests"]} requests, {load["rate"]:g} per second; '
            f'{load["schedulers"]} schedulers, whose figures are up to {load["stale"]:g} s old')


def _minutes(run):
    return [each['seconds'] / 60 for each in run['samples']]


def _over_time(run, name):
    return [each[name] for each in run['samples']]


def _by_time(axes, title, unit):
    axes.set(title=title, xlabel='Simulated time (minutes)', ylabel=unit)


def _full(axes, runs):
    _by_time(axes, 'How full pools are', PROMISED)
    for number, run in enumerate(runs):
        axes.plot(_minutes(run), _over_time(run, 'median'), color=_color(number), label=f'{number + 1}: {run["label"]}')
        for edge in ('low', 'high'):
            axes.plot(_minutes(run), _over_time(run, edge), color=_color(number), linestyle=':', linewidth=1)
    axes.set_ylim(bottom=0)
    _explain(axes, ('-', 'median'), (':', '5th and 95th percentile'))


def _even(axes, runs):
    _by_time(axes, 'How uneven they are (0: all equally full)', 'Standard deviation (percentage points)')
    for number, run in enumerate(runs):
        axes.plot(_minutes(run), _over_time(run, 'deviation'), color=_color(number))
    axes.set_ylim(bottom=0)


def _at_end(axes, runs):
    axes.set(title='Each pool at the end, the emptiest first', xlabel='Share of the pools (%)',
             ylabel=PROMISED)
    for number, run in enumerate(runs):
        full = sorted(pool['percent'] for pool in run['pools'] if pool['percent'] is not None)
        axes.plot([100 * (place + 0.5) / len(full) for place in range(len(full))], full, color=_color(number),
                  drawstyle='steps-mid')
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, 100)


def _retries(axes, runs):
    _by_time(axes, 'Retries', 'Number until then')
    for number, run in enumerate(runs):
        axes.plot(_minutes(run), _over_time(run, 'lost'), color=_color(number))
        axes.plot(_minutes(run), _over_time(run, 'rescheduled'), color=_color(number), linestyle='--')
    axes.set_ylim(bottom=0)
    _explain(axes, ('-', 'claims lost to another request'), ('--', 'creates tried on another pool'))


def _refused(axes, runs):
    _by_time(axes, 'Refusals, and full disks', 'Number')
    for number, run in enumerate(runs):
        axes.plot(_minutes(run), _over_time(run, 'refused'), color=_color(number))
        axes.plot(_minutes(run), _over_time(run, 'disks_full'), color=_color(number), linestyle='--')
    axes.set_ylim(bottom=0)
    _explain(axes, ('-', 'creates for which no pool fitted, until then'), ('--', 'pools without physical space, then'))


def _speed(axes, runs):
    axes.set(title='Speed of the picking on this machine', xlabel='Run', ylabel='Decisions per second of CPU')
    bars = axes.bar([str(number) for number in range(1, len(runs) + 1)],
                    [run['measured']['decisions_per_cpu_second'] for run in runs],
                    color=[_color(number) for number in range(len(runs))])
    axes.bar_label(bars, fmt='{:,.0f}')
    axes.margins(y=0.1)


def _explain(axes, *styles):
    """A legend of what kinds of line are, whatever their color."""
    lines = [axes.plot([], [], color='gray', linestyle=style)[0] for style, _meaning in styles]
    axes.legend(lines, [meaning for _style, meaning in styles], loc='upper left', fontsize='small', framealpha=0.5)


def _color(number):
    return f'C{number % 10}'


#: From left to right, from top to bottom.
PANELS = (_full, _even, _at_end, _retries, _refused, _speed)
