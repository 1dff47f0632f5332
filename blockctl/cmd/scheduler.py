# SPDX-License-Identifier: Apache-2.0
"""blockctl-scheduler: chooses pools."""

import sys

from blockctl.cmd import process
from blockctl.scheduler import service


def main():
    app = process.compose(process.configure(sys.argv))
    return process.run(app, lambda app, beat: [service.Service(app, beat)])


if __name__ == '__main__':
    sys.exit(main())
