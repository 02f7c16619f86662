"""Ed25519 by libsodium. Through the extension module of PyNaCl alone: its bindings import ten times as much with them."""

from nacl._sodium import ffi, lib  # type: ignore[import-not-found]

SEED, PUBLIC, SECRET, SIGNATURE = 32, 32, 64, 64  # bytes

if lib.sodium_init() == -1:
    raise ImportError("libsodium cannot be initialised")


def key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Return the public and the secret key that a seed of 32 bytes stands for."""
    if len(seed) != SEED:
        raise ValueError(f"a seed has {SEED} bytes, not {len(seed)}")
    public, secret = ffi.new("unsigned char[]", PUBLIC), ffi.new("unsigned char[]", SECRET)
    lib.crypto_sign_seed_keypair(public, secret, seed)
    return ffi.buffer(public)[:], ffi.buffer(secret)[:]


def sign(message: bytes, secret: bytes) -> bytes:
    """Return the signature of a message, 64 bytes."""
    if len(secret) != SECRET:
        raise ValueError(f"a secret key has {SECRET} bytes, not {len(secret)}")
    signed, length = ffi.new("unsigned char[]", SIGNATURE + len(message)), ffi.new("unsigned long long *")
    if lib.crypto_sign(signed, length, message, len(message), secret):
        raise ValueError("libsodium could not sign")
    return bytes(ffi.buffer(signed, SIGNATURE)[:])


def is_signed(message: bytes, signature: bytes, public: bytes) -> bool:
    """Return whether a signature of a message is by the key; False also where one of them has another length."""
    if len(public) != PUBLIC or len(signature) != SIGNATURE:
        return False
    signed = signature + message
    return bool(lib.crypto_sign_open(ffi.NULL, ffi.NULL, signed, len(signed), public) == 0)
