CREATE TABLE idempotent_call (
    id {pk},
    key VARCHAR(255) NOT NULL UNIQUE DEFAULT '',
    call_sha256 VARCHAR(64) NOT NULL DEFAULT '',
    status INTEGER,
    content_type VARCHAR(100) NOT NULL DEFAULT '',
    body {bytes} NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
)
