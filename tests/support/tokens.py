"""Makes JSON Web Tokens and keys for them: HMACs by Python, signatures by the `openssl` command.

A token is made here byte for byte, so that tests can make bad ones too.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time

SECRET = "0123456789abcdef0123456789abcdef"

_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value):
    """One of the first two parts; a text or bytes go as they are."""
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, bytes):
        value = json.dumps(value).encode()
    return base64url(value)


def hmac_token(claims, secret=SECRET, algorithm="HS256", **header):
    signed = f"{_part({'alg': algorithm, 'typ': 'JWT', **header})}.{_part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), _HASHES[algorithm]).digest()
    return f"{signed}.{base64url(digest)}"


def unsigned(header, claims):
    """With an empty third part."""
    return f"{_part(header)}.{_part(claims)}."


def token(user, expires_in=None, **claims):
    """A token of `user`, signed with SECRET."""
    if expires_in is not None:
        claims["exp"] = time.time() + expires_in
    return hmac_token({"sub": user, **claims})


def _openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


class KeyPair:
    """A private key in `directory`, and its public half as `public_file` (PEM) and as a JWK."""

    _OPTIONS = {"RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "EdDSA": ["-algorithm", "ED25519"]}

    def __init__(self, algorithm, directory, name=None):
        self.algorithm = algorithm
        name = name or algorithm
        self.private_file = os.path.join(directory, f"{name}.key")
        self.public_file = os.path.join(directory, f"{name}.pem")
        _openssl("genpkey", *self._OPTIONS[algorithm], "-out", self.private_file)
        _openssl("pkey", "-in", self.private_file, "-pubout", "-out", self.public_file)

    def token(self, claims, **header):
        signed = f"{_part({'alg': self.algorithm, **header})}.{_part(claims)}"
        return f"{signed}.{base64url(self._sign(signed.encode()))}"

    def _sign(self, data):
        path = self.private_file + ".input"
        with open(path, "wb") as file:
            file.write(data)
        if self.algorithm == "EdDSA":
            return _openssl("pkeyutl", "-sign", "-inkey", self.private_file, "-rawin", "-in", path)
        signature = _openssl("dgst", "-sha256", "-sign", self.private_file, path)
        return _side_by_side(signature) if self.algorithm == "ES256" else signature

    def jwk(self, **members):
        """The public key as an entry of a JWKS file."""
        der = _openssl("pkey", "-pubin", "-in", self.public_file, "-outform", "DER")
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:]), **members}
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "x": base64url(der[-64:-32]),
                    "y": base64url(der[-32:]), **members}
        text = _openssl("rsa", "-pubin", "-in", self.public_file, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(re.search(r"Modulus=([0-9A-F]+)", text)[1])
        return {"kty": "RSA", "n": base64url(modulus), "e": "AQAB", **members}


def _side_by_side(der):
    """R and S of an ECDSA signature, 32 bytes each, out of SEQUENCE { INTEGER, INTEGER }."""
    assert der[0] == 0x30 and der[1] == len(der) - 2, der.hex()
    numbers, at = b"", 2
    while at < len(der):
        assert der[at] == 0x02, der.hex()
        size = der[at + 1]
        numbers += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(32, "big")
        at += 2 + size
    return numbers


def secret_jwk(secret=SECRET, **members):
    return {"kty": "oct", "k": base64url(secret.encode()), **members}


def write_jwks(path, *keys):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"keys": keys}, file)
    return str(path)
