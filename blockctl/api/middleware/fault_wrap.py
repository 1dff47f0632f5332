# SPDX-License-Identifier: Apache-2.0
"""Whatever the rest of the pipeline raises becomes a fault."""

from blockctl.api import faults


class FaultWrap:
    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        try:
            return self._application(environ, start_response)
        except Exception as error:
            return faults.response(error)(environ, start_response)
