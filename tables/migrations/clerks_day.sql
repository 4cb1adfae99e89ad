-- Orders, porting, changes of lines, network requests, charges, roles

ALTER TABLE piccolo_user ADD COLUMN role VARCHAR(13) NOT NULL DEFAULT 'administrator'

ALTER TABLE reseller ADD COLUMN port_after_days INTEGER NOT NULL DEFAULT 5

ALTER TABLE reseller ADD COLUMN port_before_days INTEGER NOT NULL DEFAULT 59

ALTER TABLE reseller ADD COLUMN port_working_days BOOLEAN NOT NULL DEFAULT TRUE

ALTER TABLE line ADD COLUMN state_before VARCHAR(24) NOT NULL DEFAULT 'active'

ALTER TABLE line ADD COLUMN international VARCHAR(5) NOT NULL DEFAULT 'EU'

ALTER TABLE line ADD COLUMN subsidised BOOLEAN NOT NULL DEFAULT FALSE

ALTER TABLE line ADD COLUMN ported_to VARCHAR(60) NOT NULL DEFAULT ''

CREATE TABLE customer_order (
    id {pk},
    number VARCHAR(35) UNIQUE,
    customer BIGINT NOT NULL REFERENCES customer (id),
    salesperson VARCHAR(100) NOT NULL DEFAULT '',
    state VARCHAR(11) NOT NULL DEFAULT 'draft',
    version INTEGER NOT NULL DEFAULT 1,
    reason TEXT NOT NULL DEFAULT '',
    reserved_until TIMESTAMPTZ,
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    submitted_at TIMESTAMPTZ
)

CREATE INDEX customer_order_by_customer ON customer_order (customer)

CREATE INDEX customer_order_by_state ON customer_order (state)

CREATE TABLE order_item (
    id {pk},
    customer_order BIGINT NOT NULL REFERENCES customer_order (id),
    position INTEGER NOT NULL DEFAULT 0,
    kind VARCHAR(7) NOT NULL DEFAULT 'LINE',
    state VARCHAR(9) NOT NULL DEFAULT 'draft',
    asked JSON NOT NULL DEFAULT '{}',
    sim BIGINT REFERENCES sim (id),
    msisdn VARCHAR(18) NOT NULL DEFAULT '',
    line BIGINT REFERENCES line (id),
    reason TEXT NOT NULL DEFAULT ''
)

CREATE INDEX order_item_by_order ON order_item (customer_order)

CREATE INDEX order_item_by_msisdn ON order_item (msisdn)

CREATE INDEX order_item_by_line ON order_item (line)

-- One card, one order: two clerks can never take the same

CREATE UNIQUE INDEX order_item_card ON order_item (sim) WHERE state IN ('draft', 'requested')

CREATE TABLE porting_request (
    id {pk},
    item BIGINT NOT NULL REFERENCES order_item (id),
    msisdn VARCHAR(18) NOT NULL DEFAULT '',
    rio VARCHAR(12) NOT NULL DEFAULT '',
    porting_date DATE NOT NULL,
    time_slot VARCHAR(40) NOT NULL DEFAULT '',
    asked_by_customer BOOLEAN NOT NULL DEFAULT FALSE,
    withdrawal_waived BOOLEAN,
    state VARCHAR(9) NOT NULL DEFAULT 'draft',
    reason TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX porting_request_by_item ON porting_request (item)

CREATE INDEX porting_request_by_msisdn ON porting_request (msisdn)

CREATE INDEX porting_request_by_rio ON porting_request (rio)

CREATE INDEX porting_request_by_day ON porting_request (porting_date)

CREATE INDEX porting_request_by_state ON porting_request (state)

-- One port of a number at a time

CREATE UNIQUE INDEX porting_request_running ON porting_request (msisdn) WHERE state IN ('submitted', 'eligible', 'frozen')

CREATE TABLE line_change (
    id {pk},
    line BIGINT NOT NULL REFERENCES line (id),
    kind VARCHAR(13) NOT NULL DEFAULT '',
    state VARCHAR(9) NOT NULL DEFAULT 'planned',
    effective_on DATE NOT NULL,
    asked JSON NOT NULL DEFAULT '{}',
    before JSON NOT NULL DEFAULT '{}',
    once VARCHAR(64),
    reason TEXT NOT NULL DEFAULT '',
    refusal TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    done_at TIMESTAMPTZ
)

CREATE INDEX line_change_by_line ON line_change (line)

CREATE INDEX line_change_planned ON line_change (effective_on) WHERE state = 'planned'

CREATE UNIQUE INDEX line_change_once ON line_change (line, once) WHERE once IS NOT NULL

CREATE TABLE network_batch (
    id {pk},
    name VARCHAR(80) NOT NULL UNIQUE DEFAULT '',
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    requests INTEGER NOT NULL DEFAULT 0,
    sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
)

CREATE TABLE network_request (
    id {pk},
    kind VARCHAR(12) NOT NULL DEFAULT '',
    state VARCHAR(8) NOT NULL DEFAULT 'queued',
    line BIGINT REFERENCES line (id),
    change BIGINT REFERENCES line_change (id),
    item BIGINT REFERENCES order_item (id),
    msisdn VARCHAR(18) NOT NULL DEFAULT '',
    payload JSON NOT NULL DEFAULT '{}',
    batch BIGINT REFERENCES network_batch (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TIMESTAMPTZ NOT NULL,
    claimed_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    settled_at TIMESTAMPTZ,
    effective_on DATE,
    reason TEXT NOT NULL DEFAULT '',
    seen BOOLEAN NOT NULL DEFAULT FALSE,
    actor VARCHAR(100) NOT NULL DEFAULT '',
    requested_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX network_request_by_state ON network_request (state)

CREATE INDEX network_request_by_line ON network_request (line)

CREATE INDEX network_request_by_change ON network_request (change)

CREATE INDEX network_request_by_item ON network_request (item)

CREATE INDEX network_request_by_batch ON network_request (batch)

CREATE INDEX network_request_by_msisdn ON network_request (msisdn)

CREATE TABLE charge (
    id {pk},
    customer BIGINT NOT NULL REFERENCES customer (id),
    line BIGINT REFERENCES line (id),
    order_item BIGINT REFERENCES order_item (id),
    unit BIGINT REFERENCES device_unit (id),
    kind VARCHAR(11) NOT NULL DEFAULT '',
    nature VARCHAR(9) NOT NULL DEFAULT 'SERVICE',
    label VARCHAR(160) NOT NULL DEFAULT '',
    quantity INTEGER NOT NULL DEFAULT 1,
    unit_price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    vat_rate NUMERIC(5, 2) NOT NULL DEFAULT 0,
    terms VARCHAR(7) NOT NULL DEFAULT 'ADVANCE',
    instalments INTEGER,
    starts_on DATE NOT NULL,
    ends_on DATE,
    billed_until DATE,
    invoiced BOOLEAN NOT NULL DEFAULT FALSE,
    reason TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX charge_by_customer ON charge (customer)

CREATE INDEX charge_by_line ON charge (line)

CREATE INDEX charge_by_order_item ON charge (order_item)

ALTER TABLE invoice_line ADD COLUMN charge BIGINT REFERENCES charge (id)

CREATE INDEX invoice_line_by_charge ON invoice_line (charge)

ALTER TABLE mail ADD COLUMN customer_order BIGINT REFERENCES customer_order (id)

CREATE INDEX mail_by_order ON mail (customer_order)
