# SPDX-License-Identifier: Apache-2.0
"""Configuration: one file per option group, put together on a ConfigOpts of the process's own (never cfg.CONF)."""

import os

from oslo_config import cfg
from oslo_log import log as logging

from blockctl import version
from blockctl.conf import api
from blockctl.conf import backend
from blockctl.conf import faults
from blockctl.conf import jobs
from blockctl.conf import key_manager
from blockctl.conf import nova
from blockctl.conf import process
from blockctl.conf import quota
from blockctl.conf import scheduler

#: (group, options) in the order of the sample file. A backend's section is registered when it is named.
GROUPS = (
    ('DEFAULT', process.OPTIONS),
    ('DEFAULT', api.OPTIONS),
    ('DEFAULT', scheduler.OPTIONS),
    ('DEFAULT', quota.OPTIONS),
    ('database', process.DATABASE),
    ('jobs', jobs.OPTIONS),
    ('nova', nova.OPTIONS),
    ('key_manager', key_manager.OPTIONS),
    ('faults', faults.OPTIONS),
)


def new():
    """A ConfigOpts with every option of blockctl registered, not yet read from anywhere."""
    conf = cfg.ConfigOpts()
    logging.register_options(conf)
    for group, options in GROUPS:
        conf.register_opts(options, None if group == 'DEFAULT' else group)
    return conf


def load(argv=(), files=None, prepare=None):
    """Read the command line and configuration files; ``files`` None: --config-file, else the usual places.

    ``prepare(conf)`` may register command-line options before they are read.
    """
    conf = new()
    if prepare is not None:
        prepare(conf)
    environment = os.environ.get('BLOCKCTL_CONFIG_FILES')
    if files is None and environment:
        files = environment.split(os.pathsep)
    conf(list(argv), project='blockctl', version=version.text(), default_config_files=files)
    for group, options in GROUPS:
        for option in options:  # oslo.config looks at a value when it is asked for: a wrong one is to be told now
            getattr(conf if group == 'DEFAULT' else conf[group], option.dest)
    return conf


def set_up_logging(conf):
    """oslo.log, quiet about what libraries say at INFO."""
    logging.set_defaults(default_log_levels=[
        *logging.get_default_log_levels(), 'alembic=WARN', 'taskflow=WARN', 'oslo.messaging=WARN', 'oslo_policy=WARN',
        'oslo.messaging.notification=INFO',  # what its driver 'log' is for
        'oslo_db=ERROR', 'waitress=ERROR'])
    logging.setup(conf, 'blockctl')


def backend_group(conf, name, options):
    """The section of one backend, with the options every backend has and the driver's own ``options``."""
    conf.register_opts(backend.OPTIONS, name)
    conf.register_opts(options, name)
    return backend.Section(conf, name)
