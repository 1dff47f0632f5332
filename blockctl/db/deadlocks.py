# SPDX-License-Identifier: Apache-2.0
"""Trying a whole unit of work again when the database ended it to free another from a deadlock."""

from oslo_db import api

#: Decorates a function whose database work is its own ``with ctx.writing()``, and which does nothing else twice.
retried = api.wrap_db_retry(max_retries=5, retry_on_deadlock=True, retry_interval=0.02, max_retry_interval=0.2)
