"""The certificate of a host: made once, readable by its owner, and a scheduler that asks for it."""

from pathlib import Path

import pytest
from cryptography import x509

from cnn_lab.runs.certificates import CERTIFICATE, KEY, dask_environment, make_certificate


def test_key_is_for_this_user_alone_and_both_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "certificate"
    make_certificate(folder)
    assert sorted(path.name for path in folder.iterdir()) == [CERTIFICATE, KEY]
    assert (folder / KEY).stat().st_mode & 0o077 == 0
    before = (folder / KEY).read_bytes()
    make_certificate(folder)
    assert (folder / KEY).read_bytes() == before


def test_half_a_pair_is_made_again(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    (tmp_path / CERTIFICATE).unlink()
    make_certificate(tmp_path)
    certificate = x509.load_pem_x509_certificate((tmp_path / CERTIFICATE).read_bytes())
    certificate.verify_directly_issued_by(certificate)


def test_dask_asks_for_it_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask.config
    from distributed import Security

    make_certificate(tmp_path)
    for name, value in dask_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    with dask.config.set(dask.config.merge(dask.config.config, dask.config.collect_env())):
        security = Security()
    assert security.require_encryption
    for role in ("scheduler", "worker", "client"):
        context = security.get_connection_args(role)["ssl_context"]
        assert context.cert_store_stats()["x509_ca"] == 1
