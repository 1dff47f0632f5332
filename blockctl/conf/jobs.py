# SPDX-License-Identifier: Apache-2.0
"""[jobs]: leases, sweeps and when to give up (DESIGN.md section 5). All in seconds."""

from oslo_config import cfg

OPTIONS = (
    cfg.FloatOpt('lease', default=60, min=1,
                 help='How long a worker that went silent keeps its jobs from the others. At least a third more than '
                      'any single call to a backend may take (backend_call_timeout).'),
    cfg.FloatOpt('sweep_interval', default=5, min=0.1,
                 help='How often a service looks for jobs that no message told it of.'),
    cfg.FloatOpt('step_timeout', default=300, min=1,
                 help='A step that shows no progress for so long loses its lease: its worker is taken to hang.'),
    cfg.FloatOpt('retry_timeout', default=1800, min=1,
                 help='How long a job is tried again on a backend that does not answer before it ends in error.'),
    cfg.FloatOpt('retry_interval_max', default=30, min=0.1, help='Longest pause between two tries.'),
    cfg.FloatOpt('unserved_timeout', default=600, min=1,
                 help='How long a job that had started waits for a backend with no process left before its resource '
                      'goes to error.'),
    cfg.IntOpt('takeovers_max', default=3, min=1,
               help='A job that was taken over so often kills its workers, and ends in error.'),
    cfg.FloatOpt('keep_finished', default=86400, min=0, help='How long a finished job stays in the database.'),
    cfg.IntOpt('scheduler_slots', default=8, min=1, help='Jobs a scheduler process works on at once.'),
)
