# SPDX-License-Identifier: Apache-2.0
"""The two images that tempest wants to find in Glance."""

import contextlib
import http.client

from benchmarks import http_api
from benchmarks import keystone

NAMES = ('conformance', 'conformance-alternate')
SIZE = 4 << 20  # bytes; tests make volumes of 1 GiB of it


def ensure(cloud):
    """The ids of the images, which are made where they are not there yet."""
    token = keystone.authenticate(cloud.login()).id
    with contextlib.closing(http_api.Client(f'{cloud.image_url}/v2', {'X-Auth-Token': token})) as client:
        there = {row['name']: row['id'] for row in client.need('GET', 'images?status=active').body['images']}
        return [there.get(name) or _make(client, cloud.image_url, token, name) for name in NAMES]


def _make(client, url, token, name):
    row = {'name': name, 'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'public'}
    image_id = client.need('POST', 'images', row, status=(201,)).body['id']
    scheme, host, port, path = http_api.split_endpoint(url)
    connection = http_api.connect(scheme, host, port)
    try:
        connection.request('PUT', f'{path}/v2/images/{image_id}/file', bytes(range(256)) * (SIZE // 256),
                           {'X-Auth-Token': token, 'Content-Type': 'application/octet-stream'})
        answer = connection.getresponse()
        text = answer.read().decode(errors='replace')
    except (OSError, http.client.HTTPException) as error:
        raise http_api.RequestFailed(f'image {name}: {type(error).__name__}: {error}') from error
    finally:
        connection.close()
    if answer.status != http.client.NO_CONTENT:
        raise http_api.RequestFailed(f'image {name}: {answer.status} {text[:200]}')
    return image_id
