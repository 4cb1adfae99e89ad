CREATE TABLE branding (
    id {pk},
    logo_sha256 VARCHAR(64) NOT NULL DEFAULT '',
    accent VARCHAR(7) NOT NULL DEFAULT '',
    welcome TEXT NOT NULL DEFAULT '',
    service_hours VARCHAR(60) NOT NULL DEFAULT '',
    sender_name VARCHAR(100) NOT NULL DEFAULT '',
    sender_email VARCHAR(120) NOT NULL DEFAULT ''
)

CREATE TABLE invoice_template (
    id {pk},
    footer TEXT NOT NULL DEFAULT '',
    late_payment TEXT NOT NULL DEFAULT '',
    early_payment TEXT NOT NULL DEFAULT '',
    transfer TEXT NOT NULL DEFAULT '',
    direct_debit TEXT NOT NULL DEFAULT '',
    card TEXT NOT NULL DEFAULT '',
    cheque TEXT NOT NULL DEFAULT ''
)

ALTER TABLE reseller ADD COLUMN end_of_month BOOLEAN NOT NULL DEFAULT FALSE

ALTER TABLE customer ADD COLUMN end_of_month BOOLEAN
