# SPDX-License-Identifier: Apache-2.0
"""How much the loggers of this process tell, by their names."""

import logging

#: What a level may be set to.
NAMES = ('DEBUG', 'INFO', 'WARNING', 'ERROR')


def levels(prefix=''):
    """{logger: name of its effective level} of the loggers whose names begin with ``prefix``."""
    return {name: logging.getLevelName(logger.getEffectiveLevel())
            for name, logger in sorted(logging.root.manager.loggerDict.items())
            if name.startswith(prefix) and isinstance(logger, logging.Logger)}


def change(prefix, level):
    """Set the level (one of NAMES) of the loggers whose names begin with ``prefix``; '': of all there will be.

    What is read from the configuration again (SIGHUP) takes its place.
    """
    if not prefix:
        logging.root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(prefix):
            # Also one that is no logger yet, only the beginning of others' names: later ones inherit from it.
            logging.getLogger(name).setLevel(level)
