# SPDX-License-Identifier: Apache-2.0
"""Options of the driver ``file``."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('file_directory', default='$state_path/volumes',
               help='Directory that holds the images of this backend; absolute. It is made, for its owner only, when '
                    'it is absent. Two backends cannot share one.'),
)
