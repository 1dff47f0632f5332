# SPDX-License-Identifier: Apache-2.0
"""The parts of ``tools/bench``: one load generator for every server that speaks the Block Storage API.

``http_api`` and ``keystone`` talk to the server, ``workload`` makes the load, ``processes`` reads what it
cost from /proc, ``seeding`` fills the database with rows, ``startup`` times a start, ``figures`` and
``tables`` hold and print the result, ``quotas`` makes room, ``cleanup`` takes everything away again,
``plan`` says in which order, ``cli`` reads the options. Only the standard library is needed, but for
``seeding``: SQLAlchemy and a database driver.
"""
