# SPDX-License-Identifier: Apache-2.0
"""A whole cloud for a while: MariaDB, RabbitMQ, Ceph, memcached, Keystone, Glance, and blockctl on two backends.

    with cloud.running() as made:
        made.endpoint, made.auth_url, made.password ...

The Python that runs this is of a venv with blockctl, and has the checkout and its ``tools`` on sys.path.  Use it in the
main thread: the processes end with the thread that started them.
"""

import contextlib
import dataclasses
import fcntl
import importlib.util
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from benchmarks import http_api
from benchmarks import keystone
from tests.harness import backends
from tests.harness import cloud
from tests.harness import servers

SERVERS = ('mariadb', 'rabbitmq', 'ceph', 'memcached', 'keystone', 'glance')
REGION = 'RegionOne'
#: Services that are not there, at addresses of Keystone's that answer 404 to everything.  Who finds the catalog without
#: them fails: tempest asks for security groups when it removes a project, and whoever lets a user take an attachment
#: away asks whether the server still has the volume.
ABSENT = {'network': '/no-network', 'compute': '/no-compute/v2.1'}
API_WORKERS = 2
STORAGE_VM = pathlib.Path(__file__).resolve().parents[1] / 'storage_vm'
ORDERLY = 60  # seconds in which an interrupted tools/services has to end


class ServersFailed(Exception):
    """tools/services could not start what is needed; it has said why."""


@dataclasses.dataclass(frozen=True)
class Cloud:
    """What runs, and how to reach it.

    ``endpoint``: of blockctl, up to and without /v3, as the catalog has it for block-storage and volumev3.
    ``auth_url``: of Keystone, with /v3; its users admin, demo and alt_demo each have a project of their name, the
    domain ``default`` and ``password``.  ``directory``: a place for whoever uses the cloud; it goes with the cloud.
    ``environment``: what ``tools/services up`` printed.  ``installation``: blockctl's processes, database, backends,
    which are called as their ``storage`` is, with 1 and 2 after it; so are their volume types, with -1 and -2.
    """

    endpoint: str
    auth_url: str
    image_url: str
    password: str
    directory: pathlib.Path
    environment: dict
    installation: cloud.Cloud
    storage: str = 'rbd'
    region: str = REGION

    def login(self, user='admin'):
        """What ``benchmarks.keystone.authenticate`` takes, for the project of the user's name."""
        return keystone.Login(self.auth_url, user, self.password, user)

    def client(self, user='admin', url=None):
        """Requests below ``url``; None: to blockctl's API, below the user's project."""
        token = keystone.authenticate(self.login(user))
        return http_api.Client(url or f'{self.endpoint}/v3/{token.project_id}', {'X-Auth-Token': token.id})


@contextlib.contextmanager
def running(*, root=None, logs=None, settings=None, storage='rbd'):
    """Start everything; yield a Cloud; stop and remove everything, however that ended.

    ``root``: a root of tools/services, whose servers stay; None: one of its own.  ``logs``: directory to which all
    logs and configuration files go at the end.  ``settings``: {section: {option: value}} for blockctl, the section
    ``backend`` for each backend.  ``storage``: one of STORAGES; for lvm a virtual machine is booted, unless the
    environment names one.  Raises ServersFailed, or AssertionError when blockctl does not come up.
    """
    with contextlib.ExitStack() as ends:
        # Short: sockets lie below it. Open to enter: databases run as users of their own.
        directory = pathlib.Path(tempfile.mkdtemp(prefix='bct-'))
        ends.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o711)
        started = Servers(root or directory / 's')
        if root is None:
            ends.callback(started.down)
        ends.callback(started.save_logs, logs)
        if importlib.util.find_spec('rbd') is None:
            started.bind_ceph()
        started.up(*SERVERS)
        ends.enter_context(started.catalog())
        make = ends.enter_context(STORAGES[storage](started.environment, directory))
        installation = ends.enter_context(contextlib.closing(_install(
            started.environment, {f'{storage}{number}': make for number in (1, 2)},
            f'{storage}-1', settings or {})))
        ends.callback(_save, installation.directory, logs, 'blockctl', ('*.log', '*.conf'))
        _serve(installation)
        [api] = installation.living('api')
        started.up('keystone', endpoint=api.url)
        (directory / 'work').mkdir()
        made = Cloud(api.url, started.environment['BLOCKCTL_TEST_KEYSTONE_URL'],
                     started.environment['BLOCKCTL_TEST_GLANCE_URL'],
                     started.environment['BLOCKCTL_TEST_KEYSTONE_PASSWORD'], directory / 'work', started.environment,
                     installation, storage)
        _make_types(made)
        _name_the_absent(made)
        yield made


class Servers:
    """The servers of one root, by tools/services."""

    def __init__(self, root):
        self._root = pathlib.Path(root)
        self.environment = {}

    def up(self, *names, endpoint=None):
        """Start what does not run. ``endpoint``: where the catalog says that blockctl is."""
        options = ['--volume-endpoint', endpoint] if endpoint else []
        lines = self._run('up', *options, *names).splitlines()
        self.environment = dict(
            word.split('=', 1) for line in lines for word in shlex.split(line.removeprefix('export ')))

    @contextlib.contextmanager
    def catalog(self):
        """Have Keystone's catalog for oneself: it names one blockctl. Who comes while another cloud has it waits."""
        with open(self._root / 'catalog.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def bind_ceph(self):
        """Have the processes of the venv that runs this find rados and rbd."""
        self._run('ceph-bindings', sys.prefix)

    def down(self):
        """Stop everything and remove the root."""
        if self._root.exists():
            self._run('down', '--wipe')

    def save_logs(self, logs):
        _save(self._root / 'log', logs, 'servers', ('*.log',))

    def _run(self, command, *arguments):
        """The output of tools/services; its progress goes where ours goes. Interrupted, it ends before this does."""
        argv = [servers.SERVICES, command, '--root', self._root, *arguments]
        # In a session of its own: a terminal's Ctrl-C must reach it once, through us.
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              start_new_session=True) as process:
            try:
                output, _ = process.communicate()
            except BaseException:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=ORDERLY)
                process.kill()
                raise
        if process.returncode != 0:
            raise ServersFailed(f'tools/services {command} failed')
        return output


@contextlib.contextmanager
def _pools(environment, _directory):
    """What makes a backend of a name, in a directory: a pool of Ceph."""
    yield lambda name, _: backends.Rbd(name, environment[servers.URLS['ceph']])


@contextlib.contextmanager
def _groups(_environment, directory):
    """The same: a volume group in a virtual machine."""
    state, booted = os.environ.get('BLOCKCTL_TEST_STORAGE_VM'), None
    if state is None:
        state = booted = directory / 'guest'
        if subprocess.run([STORAGE_VM, 'start', booted], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          check=False).returncode:
            raise ServersFailed('tools/storage_vm start failed')
    try:
        yield lambda name, where: backends.Lvm(name, where, state)
    finally:
        if booted:
            subprocess.run([STORAGE_VM, 'stop', booted], stdin=subprocess.DEVNULL, check=False)


#: What the backends are kept on.
STORAGES = {'rbd': _pools, 'lvm': _groups}


def _install(environment, made_by, default_type, settings):
    """blockctl with a database, a virtual host and backends of its own; no process yet."""
    url = {name: environment[servers.URLS[name]] for name in ('mariadb', 'rabbitmq')}
    ours = _settings(environment, default_type)
    return cloud.Cloud(
        lambda directory: servers.Database(url['mariadb'], directory),
        lambda: servers.RabbitBus(url['rabbitmq'], environment['BLOCKCTL_TEST_RABBITMQCTL']),
        made_by, {section: ours.get(section, {}) | settings.get(section, {}) for section in ours | settings},
        quick=False)


def _settings(environment, default_type):
    """What an administrator writes by doc/source/admin/install.rst."""
    url = environment['BLOCKCTL_TEST_KEYSTONE_URL']
    return {
        'DEFAULT': {'auth_strategy': 'keystone', 'default_volume_type': default_type, 'debug': False},
        'jobs': {'lease': 180},  # programs in a virtual machine take their time
        'keystone_authtoken': {
            'www_authenticate_uri': url, 'auth_url': url, 'auth_type': 'password', 'username': 'blockctl',
            'password': environment['BLOCKCTL_TEST_KEYSTONE_PASSWORD'], 'project_name': 'service',
            'user_domain_id': 'default', 'project_domain_id': 'default', 'region_name': REGION,
            'memcached_servers': environment['BLOCKCTL_TEST_MEMCACHED'], 'service_token_roles': 'service',
            'service_token_roles_required': True},
    }


def _serve(installation):
    """Start a scheduler, a volume service for both backends, and the API."""
    installation.start_all(
        {'kind': 'api', 'settings': {'DEFAULT': {'osapi_volume_workers': API_WORKERS}}},
        {'kind': 'scheduler'}, {'kind': 'volume'}, seconds=240)  # two thin pools made in a virtual machine, say


def _make_types(made):
    """The volume types; that of the default is there already."""
    first, second = made.installation.backends
    types = {f'{made.storage}-1': {'volume_backend_name': first}, f'{made.storage}-2': {'volume_backend_name': second},
             'multiattach': {'volume_backend_name': first, 'multiattach': '<is> True'}}
    with contextlib.closing(made.client()) as client:
        there = {row['name']: row['id'] for row in client.items('types?is_public=None', 'volume_types')}
        for name, specs in types.items():
            if name not in there:
                client.need('POST', 'types', {'volume_type': {'name': name, 'extra_specs': specs}})
            else:
                client.need('POST', f'types/{there[name]}/extra_specs', {'extra_specs': specs})


def _name_the_absent(made):
    """Have the catalog name the services of ``ABSENT``, unless it does."""
    with contextlib.closing(made.client(url=made.auth_url)) as client:
        there = {row['type'] for row in client.need('GET', 'services').body['services']}
        for kind in ABSENT.keys() - there:
            service = client.need('POST', 'services', {'service': {'name': 'none', 'type': kind}}, status=(201,)).body
            endpoint = {'service_id': service['service']['id'], 'interface': 'public', 'region_id': made.region,
                        'url': made.auth_url.removesuffix('/v3') + ABSENT[kind]}
            client.need('POST', 'endpoints', {'endpoint': endpoint}, status=(201,))


def _save(source, target, name, patterns):
    """Copy what there is of logs and configuration to ``target``/``name``; None: nowhere."""
    if target is None:
        return
    folder = pathlib.Path(target) / name
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for path in sorted(pathlib.Path(source).glob(pattern)):
            shutil.copyfile(path, folder / path.name)
