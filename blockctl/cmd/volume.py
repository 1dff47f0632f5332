# SPDX-License-Identifier: Apache-2.0
"""blockctl-volume: works on volumes, on the backends that enabled_backends names."""

import sys

from blockctl.cmd import process
from blockctl.volume import service


def main():
    app = process.compose(process.configure(sys.argv))
    return process.run(app, lambda app, beat: [service.Service(app, beat)])


if __name__ == '__main__':
    sys.exit(main())
