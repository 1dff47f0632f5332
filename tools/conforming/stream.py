# SPDX-License-Identifier: Apache-2.0
"""Turns a subunit stream (standard input) into a line of JSON per event, at once; run by the Python that has tempest.

An event: {"id", "status": success, fail, skip, ..., "reason": of a skip or the end of a traceback, "details": the whole
traceback, "seconds"}.  A class whose set-up ended it is one event, ``setUpClass (its name)``.
"""

import json
import sys

import subunit
import testtools


def main():
    stream = subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='stdout')
    result = testtools.StreamToDict(_tell)
    result.startTestRun()
    stream.run(result)
    result.stopTestRun()


def _tell(test):
    if test['status'] in ('exists', 'unknown'):
        return
    details = {name: content.as_text() for name, content in test['details'].items()
               if content.content_type.type == 'text'}
    traceback = '\n'.join(text for name, text in details.items() if name.startswith('traceback'))
    begun, ended = test['timestamps']
    json.dump({'id': test['id'], 'status': test['status'], 'reason': details.get('reason') or _last_line(traceback),
               'details': traceback, 'seconds': (ended - begun).total_seconds() if begun and ended else 0.0},
              sys.stdout)
    print(flush=True)


def _last_line(text):
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), '')


if __name__ == '__main__':
    main()
