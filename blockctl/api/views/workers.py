# SPDX-License-Identifier: Apache-2.0
"""How services are shown whose work was interrupted."""


def shown(rows):
    return [{'id': row.id, 'host': row.host, 'binary': row.binary, 'cluster_name': row.cluster_name} for row in rows]
