"""An SFTP server without a pinned key, a network that is half set: no settings to start with."""

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


def test_without_a_mode_the_network_is_asked_by_hand(monkeypatch, tmp_path):
    assert read(monkeypatch, tmp_path, NETWORK_MODE="").network_mode == "manual"


@pytest.mark.parametrize(
    "env, said",
    [
        ({"NETWORK_MODE": "ftp"}, "NETWORK_MODE"),
        ({"NETWORK_MODE": "sftp", "SFTP_URL": ""}, "SFTP_URL"),
        ({"NETWORK_MODE": "webhook", "NETWORK_WEBHOOK_SECRET": LONG}, "NETWORK_WEBHOOK_URL"),
        *(
            ({"NETWORK_MODE": "webhook", "NETWORK_WEBHOOK_SECRET": LONG, "NETWORK_WEBHOOK_URL": url}, "NETWORK_WEBHOOK_URL")
            for url in (
                "http://reseau.example/",
                "https://moi:secret@reseau.example/",
                "https:///x",
                "https://x.example:port/",
                "ftp://x",
            )
        ),
        ({"NETWORK_MODE": "webhook", "NETWORK_WEBHOOK_SECRET": "court", "NETWORK_WEBHOOK_URL": "https://x.example/"}, "SECRET"),
    ],
)
def test_a_network_that_is_half_set_is_refused_at_the_start(monkeypatch, tmp_path, env, said):
    with pytest.raises(settings.BadSettings, match=said) as caught:
        read(monkeypatch, tmp_path, **env)
    assert "moi:secret" not in str(caught.value) and LONG not in str(caught.value)


def test_a_webhook_over_tls_or_on_this_machine_is_taken_and_its_secret_never_shown(monkeypatch, tmp_path):
    for url in ("https://reseau.example/demandes", "http://127.0.0.1:8080/demandes"):
        env = {"NETWORK_MODE": "webhook", "NETWORK_WEBHOOK_URL": url, "NETWORK_WEBHOOK_SECRET": LONG}
        found = read(monkeypatch, tmp_path, **env)
        assert (found.network_mode, found.network_webhook_url) == ("webhook", url)
        assert LONG not in repr(found)
