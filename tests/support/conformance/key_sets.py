"""Chapter "jwks and public-key modes": the key set, which the embedded broker reads from a file."""

from __future__ import annotations

import json
from typing import Any

from support.conformance.connecting import KEYS
from support.conformance.play import Play, alive
from support.conformance.table import Case
from support.tokens import TokenMint

TRIES = 8


async def _tries(play: Play, mint: TokenMint) -> list[int]:
    found = []
    for _ in range(TRIES):
        name = play.name()
        found.append(await play.knock(name, name, mint.token(name, name, acl=[]), ws=True))
    return found


async def _once(play: Play, mint: TokenMint) -> int:
    return (await _tries(play, mint))[0]


async def missing_and_there(play: Play, case: Case) -> Any:
    """Connect before there is a key set, or after it has come."""
    file, mint = play.bench.settings.jwks_file, play.bench.mint
    if "comes up later" in case.name:
        return "accepted" if await _once(play, mint) == 0 else "refused"
    async with play.bench_without_keys() as bare:
        found = {"connack 3.1.1": await _once(bare, mint)}
    assert file.exists()
    return found


async def foreign_algorithm(play: Play, _: Case) -> Any:
    """Connect with a token of a kind of key that is not in the set."""
    import jwt

    name = play.name()
    claims = play.bench.mint.claims(name, name, acl=[])
    return await play.knock(name, name, jwt.encode(claims, KEYS.rsa, "RS256", headers={"kid": "rsa"}))


async def key_comes_and_goes(play: Play, case: Case) -> Any:
    """Add a key, take it away again, and look at who is connected with its token."""
    other, file = TokenMint("other"), play.bench.settings.jwks_file
    play.bench.mint.write_jwks(file, other)
    if "added" in case.name:
        return "accepted" if await _once(play, other) == 0 else "refused"
    name, client = play.name(), await play.open()
    assert await client.connect(name, name, other.token(name, name, acl=[])) == (0, False)
    play.bench.mint.write_jwks(file)
    if "client connected" in case.name:
        return await alive(client)
    return "refused" if await _once(play, other) else "accepted"


async def odd_set(play: Play, case: Case) -> Any:
    """Put something else where the key set was, then try eight times."""
    file, mint = play.bench.settings.jwks_file, play.bench.mint
    assert await _once(play, mint) == 0  # the good set has been read
    if "500" in case.name:
        file.write_text("internal server error")
    elif '{"keys":[]}' in case.name:
        file.write_text('{"keys":[]}')
    elif "unknown kty" in case.name:
        file.write_text(json.dumps({"keys": [{"kty": "XYZ", "kid": "x"}, mint.jwk()]}))
    elif "endpoint down" in case.name:
        file.unlink()
    else:
        mint.write_jwks(file)
    found = await _tries(play, mint)
    mint.write_jwks(file)
    return found


async def subject(play: Play, case: Case) -> int:
    """Connect with the subject's name, or another."""
    name = play.name()
    token = play.bench.mint.token(name, "alice", acl=[])
    return await play.knock(name, "bob" if case.name.endswith("bob") else "alice", token)


RUNS = {
    "JWKS endpoint down when": missing_and_there,
    "JWKS endpoint comes up later": missing_and_there,
    "JWKS has only the ES256 key": foreign_algorithm,
    "key added to the JWKS: seconds": key_comes_and_goes,
    "key removed from the JWKS": key_comes_and_goes,
    "client connected with a token of the removed key": key_comes_and_goes,
    "endpoint answers 500": odd_set,
    'endpoint answers {"keys":[]}': odd_set,
    "JWKS with one key of an unknown kty": odd_set,
    "good JWKS again": odd_set,
    "endpoint down for 25 s": odd_set,
    "verify_claims sub=${username}": subject,
}
