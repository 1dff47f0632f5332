# SPDX-License-Identifier: Apache-2.0
"""Requests about QoS specs: free pairs of text, beside the name and the consumer.

What blockctl reckons with has to be a number: the reference takes any word, and answers 500 once a host connects.
"""

from blockctl import qos
from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Pairs
from blockctl.api.versioned import Param

_CONSUMER = {'enum': [*qos.CONSUMERS, None],
             'x-reason': f'The consumer of QoS specs must be one of {", ".join(qos.CONSUMERS)}.'}

_NUMBER = {'type': ['string', 'null'], 'maxLength': 18, 'pattern': r'^[0-9]+(?![\s\S])',
           'x-reasons': {'pattern': 'It must be a whole number, in digits.'}}

_NUMBERS = {f'{limit}{suffix}': _NUMBER for limit in qos.LIMITS for suffix in ('', *qos.SUFFIXES)}

_UPDATE = {**t.EXTRA_SPECS, 'properties': {'consumer': _CONSUMER, **_NUMBERS}}

CREATE = Pairs('qos_specs', {**_UPDATE, 'properties': {'name': t.NAME_REQUIRED, **_UPDATE['properties']},
                             'required': ['name']})

UPDATE = Pairs('qos_specs', _UPDATE)

DELETE_KEYS = Body(None, Param('keys', {'type': 'array', 'items': t.text(255, minimum=1)}, required=True),
                   closed_since='3.0')
