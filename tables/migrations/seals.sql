CREATE TABLE seal (
    id {pk},
    series VARCHAR(60) NOT NULL DEFAULT '',
    rank INTEGER NOT NULL DEFAULT 0,
    invoice BIGINT UNIQUE REFERENCES invoice (id),
    paper BIGINT UNIQUE REFERENCES sealed_document (id),
    previous VARCHAR(64) NOT NULL DEFAULT '',
    sha256 VARCHAR(64) NOT NULL DEFAULT ''
)

CREATE UNIQUE INDEX seal_place ON seal (series, rank)

CREATE TABLE account (
    id {pk},
    family VARCHAR(13) NOT NULL DEFAULT '',
    vat_rate NUMERIC(5, 2),
    number VARCHAR(12) NOT NULL DEFAULT '',
    label VARCHAR(60) NOT NULL DEFAULT ''
)

CREATE UNIQUE INDEX account_of_sales ON account (family, coalesce(vat_rate, -1))

-- Shipped accounts (plan comptable général); the journal's row bears its code

INSERT INTO account (family, vat_rate, number, label) VALUES
    ('JOURNAL', NULL, 'VE', 'Ventes'),
    ('CUSTOMERS', NULL, '411000', 'Clients'),
    ('SUBSCRIPTIONS', NULL, '706100', 'Abonnements et options'),
    ('USAGE', NULL, '706200', 'Communications'),
    ('THIRD_PARTY', NULL, '706300', 'Services de tiers'),
    ('SERVICES', NULL, '706000', 'Prestations de services'),
    ('EQUIPMENT', NULL, '707000', 'Ventes de matériel'),
    ('FEES', NULL, '708800', 'Frais de mise en service'),
    ('VAT', NULL, '445719', 'TVA collectée, autres taux'),
    ('VAT', 20, '445710', 'TVA collectée 20 %'),
    ('VAT', 8.5, '445718', 'TVA collectée 8,5 %')

CREATE TABLE accounting_export (
    id {pk},
    name VARCHAR(60) NOT NULL DEFAULT '',
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    documents INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0,
    debit_cents BIGINT NOT NULL DEFAULT 0,
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE UNIQUE INDEX accounting_export_period ON accounting_export (first_day, last_day)

ALTER TABLE customer ADD COLUMN digits_shown_on DATE

-- Until now only a file or the admin could ask for whole numbers: those that did keep the day on which the customer came

UPDATE customer SET digits_shown_on = date(created_at) WHERE NOT hide_digits
