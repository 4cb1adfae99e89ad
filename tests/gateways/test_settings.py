"""An SFTP server without a pinned key is no setting to start with."""

import pytest

from gateways import settings

LONG = "x" * 40
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": LONG, "DATA_KEY": LONG, "CLOCK": ""}
URL = "sftp://revendeur:secret@depot.example/base"
KEYS = "ssh-ed25519 AAAAC3Nza un commentaire,\nssh-rsa AAAAB3Nza\n"


def read(monkeypatch, tmp_path, **env: str) -> settings.Settings:
    for name, value in {"DATA_DIR": str(tmp_path), **env}.items():
        monkeypatch.setenv(name, value)
    return settings.read()


def test_production_refuses_to_start_with_an_address_and_no_pinned_key(monkeypatch, tmp_path):
    for keys in ("", " ,\n"):
        with pytest.raises(settings.BadSettings, match="SFTP_HOST_KEY"):
            read(monkeypatch, tmp_path, **PRODUCTION, SFTP_URL=URL, SFTP_HOST_KEY=keys)
    found = read(monkeypatch, tmp_path, **PRODUCTION, SFTP_URL=URL, SFTP_HOST_KEY=KEYS)
    assert found.sftp_host_keys == ("ssh-ed25519 AAAAC3Nza un commentaire", "ssh-rsa AAAAB3Nza")
    assert "secret" not in repr(found)


@pytest.mark.parametrize("url", ["ftp://depot.example", "depot.example:22", "sftp:///base"])
def test_an_address_that_is_none_is_refused_at_the_start(monkeypatch, tmp_path, url):
    with pytest.raises(settings.BadSettings, match="SFTP_URL"):
        read(monkeypatch, tmp_path, SFTP_URL=url, SFTP_HOST_KEY=KEYS)
