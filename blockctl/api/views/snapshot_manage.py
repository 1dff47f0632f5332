# SPDX-License-Identifier: Apache-2.0
"""How a snapshot is shown that is being made of what is on a backend."""

from blockctl.api.views import snapshots

#: The fields a snapshot had in the first version, in every version.
ACCEPTED = snapshots.BRIEF
