# SPDX-License-Identifier: Apache-2.0
"""One installation of blockctl for one test: a database, a bus, backends, and any number of processes.

Everything is below one directory, and everything ends with :meth:`Cloud.close`.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid

import requests

from tests.harness import polling
from tests.harness import processes
from tests.harness import rest
from tests.harness import servers

#: Time scales of seconds instead of minutes, so that what takes its time in service can be waited for.
QUICK = {
    'DEFAULT': {'report_interval': 1, 'service_down_time': 10, 'backend_stats_polling_interval': 5,
                'graceful_shutdown_timeout': 15},
    'jobs': {'lease': 4, 'sweep_interval': 0.3, 'unserved_timeout': 300, 'retry_interval_max': 1, 'step_timeout': 30},
    'backend': {'backend_call_timeout': 1.5},
}

PLENTY = {'quota_volumes': -1, 'quota_gigabytes': -1}


class Cloud:
    """``database``: called with the directory; ``bus``: called without; ``backends``: {name: called with name and
    directory}; what they give is closed with the cloud.

    ``settings``: {section: {option: value}} for every process; the section ``backend`` goes to each backend.
    ``quick``: on top of QUICK and PLENTY, instead of blockctl's own defaults.
    """

    def __init__(self, database, bus, backends, settings=None, *, quick=True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='blockctl-test-'))
        self.host = f'node-{uuid.uuid4().hex[:8]}'
        self.processes = []
        self._kept = []
        self._settings = _merged(*((QUICK, {'DEFAULT': PLENTY}) if quick else ()), settings or {})
        try:
            self.bus = self._keep(bus())
            self.database = self._keep(database(self.directory))
            self.backends = {name: self._keep(make(name, self.directory)) for name, make in backends.items()}
            (self.directory / 'markers').mkdir()
            self.manage('db', 'sync')
        except BaseException:
            self.close()
            raise

    def _keep(self, part):
        self._kept.append(part)
        return part

    # --- processes
    def start(self, kind, name=None, *, point=None, action='kill', backends=None, settings=None, file_limit=None,
              wait=True):
        """Start blockctl-<kind> and wait until it serves.

        ``point``, ``action``: where and how it comes to grief ([faults]).  ``backends``: the names of those a volume
        service serves (all).  ``settings``: on top of the cloud's.  ``file_limit``: see Process.
        """
        name = name or f'{kind}-{1 + sum(process.kind == kind for process in self.processes)}'
        marker = self.directory / 'markers' / name
        extra = {'DEFAULT': {'enabled_backends': ','.join(backends or self.backends)}}
        if point:
            extra['faults'] = {'point': point, 'action': action, 'marker': marker}
        if kind in ('api', 'standalone'):
            port = servers.free_port()
            extra['DEFAULT'] |= {'osapi_volume_listen': '127.0.0.1', 'osapi_volume_listen_port': port,
                                 'osapi_volume_workers': 1}
        conf = self.write_configuration(name, extra, settings or {})
        process = processes.Process(name, [processes.command(f'blockctl-{kind}'), '--config-file', str(conf)],
                                    self.directory / f'{name}.log', marker, file_limit)
        process.kind = kind
        process.conf = conf
        process.serves = list(backends or self.backends) if kind in ('volume', 'standalone') else []
        if kind in ('api', 'standalone'):
            process.url = f'http://127.0.0.1:{port}'
        self.processes.append(process)
        if wait:
            self.ready(process)
        return process

    def write_configuration(self, name, *more):
        """A configuration file for a process of this name; returns its path."""
        sections = _merged(
            {'DEFAULT': {'host': self.host, 'state_path': self.directory, 'auth_strategy': 'noauth', 'debug': True,
                         'transport_url': self.bus.url, 'enabled_backends': ','.join(self.backends)},
             'database': {'connection': self.database.text.replace('%', '%%').replace('$', '$$')}},
            self._settings, *more)
        each = sections.pop('backend', {})
        for backend in self.backends.values():
            sections[backend.name] = {'volume_backend_name': backend.name, **each, **backend.section(),
                                      **sections.get(backend.name, {})}
        path = self.directory / f'{name}.conf'
        path.write_text('\n'.join(_section(title, options) for title, options in sections.items()))
        return path

    def adopt(self, process):
        """Have a process that was started otherwise end with the cloud; returns it."""
        self.processes.append(process)
        return process

    def start_all(self, *several, seconds=60):
        """Start processes side by side, each given by the arguments of :meth:`start`; returns them.

        ``seconds``: how long one may take to serve.
        """
        started = [self.start(wait=False, **options) for options in several]
        return [self.ready(process, seconds) for process in started]

    def start_one_of_each(self, **volume):
        """An API, a scheduler and a volume service (with further options); returns them."""
        return self.start_all({'kind': 'api'}, {'kind': 'scheduler'}, {'kind': 'volume', **volume})

    def ready(self, process, seconds=60):
        """Wait until a process serves what it is there for."""
        def look():
            assert process.status is None, f'{process.name} ended with {process.status}:\n{process.tail()}'
            return self._serves(process)

        polling.until(look, seconds, lambda: f'service by {process.name}:\n{process.tail()}')
        return process

    def _serves(self, process):
        if process.kind in ('api', 'standalone') and not _healthy(process.url):
            return False
        if process.kind == 'api':
            return True
        if not self.beats(process):
            return False
        known = {row.name for row in self.database.query('SELECT name FROM pools')}
        return all(f'{self.host}@{name}#{name}' in known for name in process.serves)

    def beats(self, process):
        """Whether a process is registered for all it serves."""
        rows = self.database.one('SELECT count(*) FROM processes WHERE pid = :pid', pid=process.pid)
        return rows >= max(1, len(process.serves))

    def living(self, *kinds):
        return [process for process in self.processes if process.kind in kinds and process.status is None]

    # --- questions
    def client(self, api=None, project='demo', timeout=30):
        """A client of one API process (None: the first that lives)."""
        return rest.Client((api or self.living('api', 'standalone')[0]).url, project, timeout)

    def manage(self, *arguments, status=0):
        """Run blockctl-manage; returns its output. Its exit status must be ``status``."""
        conf = self.write_configuration(f'manage-{threading.get_ident()}')
        done = subprocess.run([processes.command('blockctl-manage'), '--config-file', str(conf), *arguments],
                              timeout=120, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == status, \
            f'blockctl-manage {" ".join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}'
        return done.stdout

    def volumes(self):
        """{id: row} of all volumes."""
        return {row.id: row for row in self.database.query(
            'SELECT id, project_id, status, host, size FROM volumes ORDER BY created_at, id')}

    def snapshots(self):
        """{id: row} of all snapshots; ``host`` and ``named`` (the id in its name there) are its volume's."""
        return {row.id: row for row in self.database.query(
            'SELECT s.id, s.volume_id, s.status, s.provider_id, v.host, COALESCE(v.name_id, v.id) AS named '
            'FROM snapshots s JOIN volumes v ON v.id = s.volume_id')}

    def status(self, volume_id):
        """The status in the row, or None when the row is gone."""
        rows = self.database.query('SELECT status FROM volumes WHERE id = :id', id=volume_id)
        return rows[0].status if rows else None

    def until(self, volume_id, status, seconds=40):
        """Wait for a volume's row to have ``status`` (None: to be gone), looking into the database."""
        def look():
            seen[:] = [self.status(volume_id)]
            return seen[0] == status

        seen = []
        polling.until(look, seconds, lambda: f'volume {volume_id} {status or "gone"}; it is {seen[0]}')

    def until_all(self, volume_ids, status, seconds=60):
        """Wait for the rows of all these volumes to have ``status``."""
        def look():
            rows = self.volumes()
            others[:] = [(volume_id, rows[volume_id].status if volume_id in rows else None) for volume_id in volume_ids
                         if volume_id not in rows or rows[volume_id].status != status]
            return not others

        others = []
        polling.until(look, seconds, lambda: f'{status} of {len(others)} volumes: {others[:5]} ...')

    def backend_of(self, volume_id):
        """The name of the backend that a volume's row names, or None."""
        [row] = self.database.query('SELECT host FROM volumes WHERE id = :id', id=volume_id)
        return row.host and row.host.rpartition('#')[2]

    def live_jobs(self):
        return self.database.query(
            'SELECT id, kind, resource_id, topic, direction, owner, epoch, takeovers, tries, reschedules, payload '
            'FROM jobs WHERE live_key IS NOT NULL')

    # --- the end
    def logs(self):
        """(name, end of its log) of every process."""
        return [(repr(process), process.tail()) for process in self.processes]

    def complaints(self):
        """What blockctl itself logged as an error, in all processes."""
        return [line for process in self.processes for line in process.log.read_text(errors='replace').splitlines()
                if ' ERROR blockctl.' in line]

    def stop(self, these=None):
        """Ask processes (None: all) to end; whichever was not killed must do so with status 0."""
        these = list(self.processes if these is None else these)
        for process in these:
            process.signal(signal.SIGTERM)
        for process in these:
            if process.status != -signal.SIGKILL:
                status = process.wait(40)
                assert status == 0, f'{process.name} ended with {status}:\n{process.tail()}'

    def close(self):
        """End and remove everything, whatever state it is in."""
        for process in self.processes:
            process.end()
        errors = []
        for part in reversed(self._kept):
            try:
                part.close()
            except Exception as error:  # the rest has to go nevertheless
                errors.append(error)
        if not os.environ.get('BLOCKCTL_TEST_KEEP'):
            shutil.rmtree(self.directory, ignore_errors=True)
        if errors:
            raise ExceptionGroup('not everything could be removed', errors)


def _merged(*layers):
    result = {}
    for layer in layers:
        for section, options in layer.items():
            result[section] = result.get(section, {}) | options
    return result


def _section(title, options):
    return f'[{title}]\n' + ''.join(f'{name} = {value}\n' for name, value in options.items())


def _healthy(url):
    try:
        return requests.get(f'{url}/healthcheck', timeout=5).status_code == 200
    except requests.RequestException:
        return False
