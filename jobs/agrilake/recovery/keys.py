"""Which pseudonym key a backup needs: known by its id and a fingerprint, from which nobody gets the key."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from agrilake.errors import SecretError
from agrilake.intake.keys import key_path
from agrilake.intake.privacy import Pseudonymiser
from agrilake.paths import Home

PURPOSE = b"agrilake backup: fingerprint of the key"


def key_told(home: Home) -> dict[str, str] | None:
    """Id and fingerprint of the key that is in use here; None where there is none, or it may not be used."""
    try:
        known = Pseudonymiser.from_environment(home)
    except SecretError:
        return None
    return {"id": known.key_id, "fingerprint": hmac.new(known.key, PURPOSE, "sha256").hexdigest()[:16]}


def what_it_needs(told: Mapping[str, str] | None, home: Home) -> str:
    """What a person must do about the key before a restored lake takes files; empty where the right one is in place."""
    if told is None:
        return (
            "The backup was made where no pseudonym key was to be had; bring the lake's own key before it takes files."
        )
    here = key_told(home)
    if here == dict(told):
        return ""
    wanted = f"needs key {told['id']} (fingerprint {told['fingerprint']})"
    found = f"{key_path()} holds {here['id']} ({here['fingerprint']})" if here else f"{key_path()} holds none"
    return f"The lake {wanted}, which is kept outside of it and of its backups; {found}."
