CREATE TABLE mail (
    id {pk},
    kind VARCHAR(20) NOT NULL DEFAULT '',
    invoice BIGINT REFERENCES invoice (id),
    recipient VARCHAR(254) NOT NULL DEFAULT '',
    sender_name VARCHAR(100) NOT NULL DEFAULT '',
    sender VARCHAR(254) NOT NULL DEFAULT '',
    subject VARCHAR(300) NOT NULL DEFAULT '',
    text TEXT NOT NULL DEFAULT '',
    html TEXT NOT NULL DEFAULT '',
    attachments JSON NOT NULL DEFAULT '[]',
    message_id VARCHAR(300) NOT NULL UNIQUE,
    state VARCHAR(10) NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    next_at TIMESTAMPTZ NOT NULL,
    claimed_at TIMESTAMPTZ,
    answer TEXT NOT NULL DEFAULT '',
    sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
)

-- One mail per (invoice, kind, recipient)

CREATE UNIQUE INDEX mail_once ON mail (invoice, kind, recipient)

CREATE INDEX mail_by_turn ON mail (state, next_at)

CREATE INDEX mail_by_day ON mail (created_at)

ALTER TABLE reseller ADD COLUMN mail_attachment_kb INTEGER NOT NULL DEFAULT 5000

ALTER TABLE reseller ADD COLUMN mails_per_minute INTEGER NOT NULL DEFAULT 0

-- A run that sends computes nothing: mails may wait for days, and the next month must not wait for them

DROP INDEX billing_run_computing

CREATE UNIQUE INDEX billing_run_computing ON billing_run ((state IS NOT NULL))
    WHERE state IN ('queued', 'rating', 'drafting', 'validating', 'printing')
