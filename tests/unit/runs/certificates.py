"""Certificates for schedulers, workers and pages, good and bad ones."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate and its key, and of the authority whose certificates it accepts."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def arguments(self) -> list[str | Path]:
        """Arguments of Dask's commands."""
        files = ("ca-file", self.authority), ("cert", self.certificate), ("key", self.key)
        return [word for name, path in files for word in (f"--tls-{name}", path)]

    @property
    def settings(self) -> dict[str, object]:
        """Dask's configuration for a page."""
        return {
            "distributed.comm.tls.ca-file": str(self.authority),
            "distributed.comm.tls.client.cert": str(self.certificate),
            "distributed.comm.tls.client.key": str(self.key),
            "distributed.comm.require-encryption": True,
        }


class Authority:
    """Authority that signs certificates, with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(folder.name)
        self._file = folder / "authority.pem"
        self._sign(self._file, self._name, self._key.public_key(), -HOUR, 48 * HOUR, is_ca=True)

    def issue(
        self, name: str, begins: datetime.timedelta = -HOUR, ends: datetime.timedelta = 24 * HOUR
    ) -> Certificate:
        """Return a certificate that is valid from and until so long from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = Certificate(self._file, self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self._sign(issued.certificate, _named(name), key.public_key(), begins, ends)
        return issued

    def _sign(
        self,
        file: Path,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        begins: datetime.timedelta,
        ends: datetime.timedelta,
        *,
        is_ca: bool = False,
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        signed = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_usage(is_ca), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _usage(is_ca: bool) -> x509.KeyUsage:
    """Return what a key is for: to sign certificates, or messages."""
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    never = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**never, digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca)
