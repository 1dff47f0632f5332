# SPDX-License-Identifier: Apache-2.0
"""QoS specs. The routes that associate are GETs which change state: so clients know them."""

from blockctl import exceptions
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import qos_specs as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.views import qos_specs as view
from blockctl.operations import qos_specs


@endpoint(view=view.DETAIL)
def index(ctx, call):
    """Other query keys than those of paging are of no interest."""
    page = pagination.page(ctx, call, qos_specs.SORTS, counted_since=None)
    found, shown = qos_specs.find(ctx, page)
    return Many(found.rows, shown, pagination.next_url(call, found))


@endpoint(view=view.DETAIL)
def show(ctx, call, qos_specs_id):
    return One(*qos_specs.show(ctx, qos_specs_id))


@endpoint(body=schema.CREATE, view=view.DETAIL)
def create(ctx, call):
    """A spec that is null is none."""
    given = {key: value for key, value in call.body.items() if value is not None}
    name, consumer = given.pop('name').strip(), given.pop('consumer', None)
    return One(*qos_specs.create(ctx, name, consumer, given))


@endpoint(body=schema.UPDATE)
def update(ctx, call, qos_specs_id):
    """What is not named stays. A consumer that is null is the default one."""
    specs = dict(call.body)
    consumer = specs.pop('consumer') or qos_specs.DEFAULT_CONSUMER if 'consumer' in specs else None
    qos_specs.update(ctx, qos_specs_id, consumer, specs)
    return {'qos_specs': call.body}


@endpoint(body=schema.DELETE_KEYS, code=202)
def delete_keys(ctx, call, qos_specs_id):
    qos_specs.delete_keys(ctx, qos_specs_id, call.body['keys'])


@endpoint(code=202)
def delete(ctx, call, qos_specs_id):
    force = pagination.boolean('force', call.query.get('force', 'False'))
    qos_specs.delete(ctx, qos_specs_id, force)


@endpoint()
def associations(ctx, call, qos_specs_id):
    return {'qos_associations': [{'association_type': 'volume_type', 'name': row.name, 'id': row.id}
                                 for row in qos_specs.types(ctx, qos_specs_id)]}


@endpoint(code=202)
def associate(ctx, call, qos_specs_id):
    qos_specs.associate(ctx, qos_specs_id, _type_id(call))


@endpoint(code=202)
def disassociate(ctx, call, qos_specs_id):
    qos_specs.disassociate(ctx, qos_specs_id, _type_id(call))


@endpoint(code=202)
def disassociate_all(ctx, call, qos_specs_id):
    qos_specs.disassociate_all(ctx, qos_specs_id)


def _type_id(call):
    found = call.query.get('vol_type_id')
    if not found:
        raise exceptions.InvalidRequest(reason='vol_type_id: it has to name a volume type')
    return found
