-- Payments, allocations, direct debits

ALTER TABLE reseller ADD COLUMN retention_months INTEGER NOT NULL DEFAULT 12

ALTER TABLE reseller ADD COLUMN sepa_version VARCHAR(2) NOT NULL DEFAULT '08'

ALTER TABLE reseller ADD COLUMN reminder_days VARCHAR(40) NOT NULL DEFAULT '5 15 30 45'

ALTER TABLE reseller ADD COLUMN suspend_after_days INTEGER NOT NULL DEFAULT 60

CREATE TABLE payment (
    id {pk},
    customer BIGINT NOT NULL REFERENCES customer (id),
    method VARCHAR(12) NOT NULL DEFAULT '',
    source VARCHAR(6) NOT NULL DEFAULT 'MANUAL',
    amount_cents BIGINT NOT NULL DEFAULT 0,
    received_on DATE NOT NULL,
    reference VARCHAR(140) NOT NULL DEFAULT '',
    key VARCHAR(64) UNIQUE,
    reverses BIGINT UNIQUE REFERENCES payment (id),
    reason TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX payment_by_customer ON payment (customer)

CREATE INDEX payment_by_day ON payment (received_on)

CREATE TABLE allocation (
    id {pk},
    invoice BIGINT NOT NULL REFERENCES invoice (id),
    payment BIGINT REFERENCES payment (id),
    credit_note BIGINT REFERENCES invoice (id),
    amount_cents BIGINT NOT NULL DEFAULT 0,
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    CHECK ((payment IS NULL) <> (credit_note IS NULL))
)

CREATE INDEX allocation_by_invoice ON allocation (invoice)

CREATE INDEX allocation_by_payment ON allocation (payment)

CREATE INDEX allocation_by_credit_note ON allocation (credit_note)

CREATE TABLE debit_batch (
    id {pk},
    name VARCHAR(35) NOT NULL UNIQUE DEFAULT '',
    type VARCHAR(4) NOT NULL DEFAULT '',
    collection_on DATE NOT NULL,
    debits INTEGER NOT NULL DEFAULT 0,
    total_cents BIGINT NOT NULL DEFAULT 0,
    state VARCHAR(9) NOT NULL DEFAULT 'prepared',
    path VARCHAR(200) NOT NULL DEFAULT '',
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE TABLE debit (
    id {pk},
    batch BIGINT NOT NULL REFERENCES debit_batch (id),
    invoice BIGINT NOT NULL REFERENCES invoice (id),
    customer BIGINT NOT NULL REFERENCES customer (id),
    amount_cents BIGINT NOT NULL DEFAULT 0 CHECK (amount_cents > 0),
    sequence VARCHAR(4) NOT NULL DEFAULT '',
    mandate_reference VARCHAR(35) NOT NULL DEFAULT '',
    end_to_end VARCHAR(35) NOT NULL UNIQUE DEFAULT '',
    state VARCHAR(9) NOT NULL DEFAULT 'prepared',
    payment BIGINT REFERENCES payment (id),
    reason TEXT NOT NULL DEFAULT ''
)

CREATE INDEX debit_by_batch ON debit (batch)

CREATE INDEX debit_by_customer ON debit (customer)

-- No invoice in two batches at once; one that was returned may be tried again

CREATE UNIQUE INDEX debit_running ON debit (invoice) WHERE state IN ('prepared', 'sent', 'collected')
