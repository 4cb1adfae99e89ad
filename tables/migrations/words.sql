CREATE TABLE mail_template (
    id {pk},
    kind VARCHAR(20) NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 0,
    shipped BOOLEAN NOT NULL DEFAULT false,
    subject VARCHAR(150) NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    at TIMESTAMPTZ NOT NULL
)

CREATE UNIQUE INDEX mail_template_version ON mail_template (kind, version)
