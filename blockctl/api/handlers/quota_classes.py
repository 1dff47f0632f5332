# SPDX-License-Identifier: Apache-2.0
"""Quota classes: the one called 'default' holds for projects without limits of their own."""

from blockctl import exceptions
from blockctl.api import parameter_types as t
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import quota_classes as schema
from blockctl.operations import quota_classes


@endpoint()
def show(ctx, call, class_name):
    return {'quota_class_set': quota_classes.show(ctx, class_name) | {'id': class_name}}


@endpoint(body=schema.UPDATE)
def update(ctx, call, class_name):
    if len(class_name) > 255:
        raise exceptions.InvalidField(field='class_name', value=class_name[:80],
                                      reason='It is too long: at most 255 characters are allowed.')
    limits = {name: t.quota_limit(name, value) for name, value in call.body.items()}
    return {'quota_class_set': quota_classes.update(ctx, class_name, limits)}
