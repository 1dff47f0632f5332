# SPDX-License-Identifier: Apache-2.0
"""Options of the driver ``file``."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('file_directory',
               help='Directory that holds the images of this backend; required, absolute. It is made, for its owner '
                    'only, when it is absent. No two backends may share one.'),
)
