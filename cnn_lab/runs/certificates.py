"""Certificate shared by a host's pages, scheduler and workers, which refuse everyone without it.

`python -m cnn_lab.runs.certificates FOLDER` makes it once; nothing happens where it is already.
"""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CERTIFICATE, KEY = "certificate.pem", "key.pem"
DAYS = 3650
ROLES = ("SCHEDULER", "WORKER", "CLIENT")


def make_certificate(folder: Path) -> None:
    """Write a certificate and its private key into a folder, unless both are there.

    Only this user can read the key, with which one can run code on the scheduler and its workers.

    Parameters
    ----------
    folder : Path
        Made if it does not exist. The files are certificate.pem, which is its own authority, and
        key.pem.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    if (folder / CERTIFICATE).exists() and (folder / KEY).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cnn-lab")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the clocks of other machines may be slow
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(folder / KEY, secret)
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))


def dask_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment in which Dask uses the certificate in a folder, and nothing less."""
    settings = {"REQUIRE_ENCRYPTION": "True", "TLS__CA_FILE": str(folder / CERTIFICATE)}
    for role in ROLES:
        settings[f"TLS__{role}__CERT"] = str(folder / CERTIFICATE)
        settings[f"TLS__{role}__KEY"] = str(folder / KEY)
    return {f"DASK_DISTRIBUTED__COMM__{name}": value for name, value in settings.items()}


def _write(path: Path, content: bytes) -> None:
    """Write a file that only this user can read, at no moment half of it."""
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)


if __name__ == "__main__":
    make_certificate(Path(sys.argv[1]))
