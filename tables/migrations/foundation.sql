-- The foundation: every table, its keys and its indexes. One statement per paragraph; {pk} is the engine's own key.

CREATE TABLE reseller (
    id {pk},
    name VARCHAR(100) NOT NULL DEFAULT '',
    legal_form VARCHAR(40) NOT NULL DEFAULT '',
    capital_cents BIGINT NOT NULL DEFAULT 0,
    siren VARCHAR(9) NOT NULL DEFAULT '',
    siret VARCHAR(14) NOT NULL DEFAULT '',
    vat_number VARCHAR(20) NOT NULL DEFAULT '',
    rcs_city VARCHAR(60) NOT NULL DEFAULT '',
    street VARCHAR(120) NOT NULL DEFAULT '',
    postcode VARCHAR(10) NOT NULL DEFAULT '',
    city VARCHAR(60) NOT NULL DEFAULT '',
    country VARCHAR(2) NOT NULL DEFAULT 'FR',
    email VARCHAR(120) NOT NULL DEFAULT '',
    phone VARCHAR(30) NOT NULL DEFAULT '',
    iban VARCHAR(34) NOT NULL DEFAULT '',
    bic VARCHAR(11) NOT NULL DEFAULT '',
    ics VARCHAR(35) NOT NULL DEFAULT '',
    einvoice_address VARCHAR(125) NOT NULL DEFAULT '',
    vat_on_debits BOOLEAN NOT NULL DEFAULT TRUE,
    payment_days INTEGER NOT NULL DEFAULT 30,
    first_month VARCHAR(7) NOT NULL DEFAULT '',
    invoice_pattern VARCHAR(60) NOT NULL DEFAULT 'F{year}-{counter:06}',
    credit_note_pattern VARCHAR(60) NOT NULL DEFAULT 'A{year}-{counter:06}',
    peak_hours VARCHAR(120) NOT NULL DEFAULT '',
    former_invoice_number VARCHAR(35) NOT NULL DEFAULT '',
    former_invoice_on DATE
)

CREATE TABLE customer (
    id {pk},
    customer_number VARCHAR(32) NOT NULL UNIQUE DEFAULT '',
    company_name VARCHAR(200) NOT NULL DEFAULT '',
    kind VARCHAR(10) NOT NULL DEFAULT 'BUSINESS',
    siren VARCHAR(9) NOT NULL DEFAULT '',
    siret VARCHAR(14) NOT NULL DEFAULT '',
    vat_number VARCHAR(20) NOT NULL DEFAULT '',
    street VARCHAR(120) NOT NULL DEFAULT '',
    street2 VARCHAR(120) NOT NULL DEFAULT '',
    postcode VARCHAR(10) NOT NULL DEFAULT '',
    city VARCHAR(60) NOT NULL DEFAULT '',
    country VARCHAR(2) NOT NULL DEFAULT 'FR',
    delivery_street VARCHAR(120) NOT NULL DEFAULT '',
    delivery_street2 VARCHAR(120) NOT NULL DEFAULT '',
    delivery_postcode VARCHAR(10) NOT NULL DEFAULT '',
    delivery_city VARCHAR(60) NOT NULL DEFAULT '',
    delivery_country VARCHAR(2) NOT NULL DEFAULT '',
    billing_street VARCHAR(120) NOT NULL DEFAULT '',
    billing_street2 VARCHAR(120) NOT NULL DEFAULT '',
    billing_postcode VARCHAR(10) NOT NULL DEFAULT '',
    billing_city VARCHAR(60) NOT NULL DEFAULT '',
    billing_country VARCHAR(2) NOT NULL DEFAULT '',
    billing_contact_name VARCHAR(120) NOT NULL DEFAULT '',
    billing_email VARCHAR(500) NOT NULL DEFAULT '',
    site_contact_name VARCHAR(120) NOT NULL DEFAULT '',
    site_email VARCHAR(120) UNIQUE,
    login VARCHAR(64) NOT NULL UNIQUE DEFAULT '',
    payment_method VARCHAR(12) NOT NULL DEFAULT 'TRANSFER',
    iban VARCHAR(34) NOT NULL DEFAULT '',
    bic VARCHAR(11) NOT NULL DEFAULT '',
    mandate_reference VARCHAR(35) NOT NULL DEFAULT '',
    mandate_date DATE,
    mandate_type VARCHAR(4),
    vat_regime VARCHAR(14) NOT NULL DEFAULT '',
    einvoice_address VARCHAR(125) NOT NULL DEFAULT '',
    phone VARCHAR(30) NOT NULL DEFAULT '',
    purchase_order VARCHAR(60) NOT NULL DEFAULT '',
    payment_days INTEGER,
    discount_percent NUMERIC(5, 2) NOT NULL DEFAULT 0,
    detailed_bill BOOLEAN NOT NULL DEFAULT TRUE,
    hide_digits BOOLEAN NOT NULL DEFAULT TRUE,
    group_lines BOOLEAN NOT NULL DEFAULT FALSE,
    notes TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE TABLE offer (
    id {pk},
    kind VARCHAR(6) NOT NULL DEFAULT 'OFFER',
    code VARCHAR(32) NOT NULL DEFAULT '',
    label VARCHAR(120) NOT NULL DEFAULT '',
    monthly_price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    activation_fee NUMERIC(12, 6) NOT NULL DEFAULT 0,
    vat_rate NUMERIC(5, 2) NOT NULL DEFAULT 0,
    allowances TEXT NOT NULL DEFAULT '',
    data_speed VARCHAR(60) NOT NULL DEFAULT '',
    international BOOLEAN NOT NULL DEFAULT FALSE,
    valid_from DATE NOT NULL
)

CREATE INDEX offer_by_code ON offer (code)

CREATE TABLE rate_table (
    id {pk},
    code VARCHAR(32) NOT NULL UNIQUE DEFAULT '',
    label VARCHAR(120) NOT NULL DEFAULT ''
)

CREATE TABLE rate_version (
    id {pk},
    rate_table BIGINT NOT NULL REFERENCES rate_table (id),
    valid_from DATE NOT NULL,
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    rows INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX rate_version_by_rate_table ON rate_version (rate_table)

CREATE TABLE rate (
    id {pk},
    version BIGINT NOT NULL REFERENCES rate_version (id),
    origin VARCHAR(16) NOT NULL DEFAULT '',
    type VARCHAR(5) NOT NULL DEFAULT '',
    direction VARCHAR(3) NOT NULL DEFAULT 'OUT',
    prefix VARCHAR(16) NOT NULL DEFAULT '',
    destination VARCHAR(120) NOT NULL DEFAULT '',
    category VARCHAR(32) NOT NULL DEFAULT '',
    unit_price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    offpeak_unit_price NUMERIC(12, 6),
    setup_fee NUMERIC(12, 6) NOT NULL DEFAULT 0,
    first_increment INTEGER NOT NULL DEFAULT 60,
    next_increment INTEGER NOT NULL DEFAULT 1,
    service_per_call NUMERIC(12, 6) NOT NULL DEFAULT 0,
    service_per_minute NUMERIC(12, 6) NOT NULL DEFAULT 0
)

CREATE INDEX rate_by_version ON rate (version)

CREATE TABLE roaming_zone (
    id {pk},
    zone VARCHAR(16) NOT NULL UNIQUE DEFAULT '',
    mcc TEXT NOT NULL DEFAULT ''
)

CREATE TABLE commitment_type (
    id {pk},
    code VARCHAR(16) NOT NULL UNIQUE DEFAULT '',
    label VARCHAR(60) NOT NULL DEFAULT '',
    months INTEGER NOT NULL DEFAULT 0,
    customer_kinds VARCHAR(30) NOT NULL DEFAULT 'BUSINESS+CONSUMER',
    percent_first_year NUMERIC(5, 2) NOT NULL DEFAULT 0,
    percent_after NUMERIC(5, 2) NOT NULL DEFAULT 0
)

CREATE TABLE sim (
    id {pk},
    iccid VARCHAR(20) NOT NULL UNIQUE DEFAULT '',
    imsi VARCHAR(15) NOT NULL DEFAULT '',
    kind VARCHAR(8) NOT NULL DEFAULT 'PHYSICAL',
    state VARCHAR(10) NOT NULL DEFAULT 'in_stock',
    batch VARCHAR(60) NOT NULL DEFAULT '',
    msisdn VARCHAR(18) NOT NULL DEFAULT '',
    secrets TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX sim_by_imsi ON sim (imsi)

CREATE INDEX sim_by_state ON sim (state)

CREATE INDEX sim_by_batch ON sim (batch)

CREATE TABLE line (
    id {pk},
    msisdn VARCHAR(18) NOT NULL DEFAULT '',
    customer BIGINT NOT NULL REFERENCES customer (id),
    sim BIGINT UNIQUE REFERENCES sim (id),
    user_name VARCHAR(120) NOT NULL DEFAULT '',
    state VARCHAR(24) NOT NULL DEFAULT 'active',
    rate_table BIGINT NOT NULL REFERENCES rate_table (id),
    activated_on DATE NOT NULL,
    terminated_on DATE CHECK (terminated_on IS NULL OR terminated_on >= activated_on),
    commitment_type BIGINT REFERENCES commitment_type (id),
    commitment_start DATE,
    billed_by_number VARCHAR(35) NOT NULL DEFAULT '',
    billed_by_date DATE
)

CREATE INDEX line_by_msisdn ON line (msisdn)

CREATE INDEX line_by_customer ON line (customer)

CREATE INDEX line_by_state ON line (state)

CREATE TABLE line_item (
    id {pk},
    line BIGINT NOT NULL REFERENCES line (id),
    kind VARCHAR(6) NOT NULL DEFAULT '',
    offer BIGINT NOT NULL REFERENCES offer (id),
    position INTEGER NOT NULL DEFAULT 0,
    monthly_price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    terms VARCHAR(7) NOT NULL DEFAULT 'ADVANCE',
    starts_on DATE NOT NULL,
    ends_on DATE,
    billed_until DATE,
    taken_over_until DATE
)

CREATE INDEX line_item_by_line ON line_item (line)

CREATE TABLE discount (
    id {pk},
    item BIGINT NOT NULL REFERENCES line_item (id),
    percent NUMERIC(5, 2),
    amount NUMERIC(12, 6),
    until DATE
)

CREATE INDEX discount_by_item ON discount (item)

CREATE TABLE billing_run (
    id {pk},
    month VARCHAR(7) NOT NULL DEFAULT '',
    state VARCHAR(10) NOT NULL DEFAULT 'queued',
    stage VARCHAR(40) NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    totals JSON NOT NULL DEFAULT '{}',
    usage_path VARCHAR(200) NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    validated_at TIMESTAMPTZ
)

CREATE INDEX billing_run_by_month ON billing_run (month)

CREATE TABLE finding (
    id {pk},
    run BIGINT NOT NULL REFERENCES billing_run (id),
    code VARCHAR(40) NOT NULL DEFAULT '',
    severity VARCHAR(8) NOT NULL DEFAULT '',
    customer_number VARCHAR(32),
    msisdn VARCHAR(18),
    message TEXT NOT NULL DEFAULT ''
)

CREATE INDEX finding_by_run ON finding (run)

CREATE TABLE waiver (
    id {pk},
    run BIGINT NOT NULL REFERENCES billing_run (id),
    code VARCHAR(40) NOT NULL DEFAULT '',
    customer_number VARCHAR(32),
    msisdn VARCHAR(18),
    reason TEXT NOT NULL DEFAULT '',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX waiver_by_run ON waiver (run)

CREATE TABLE parked_customer (
    id {pk},
    run BIGINT NOT NULL REFERENCES billing_run (id),
    customer BIGINT NOT NULL REFERENCES customer (id),
    reason TEXT NOT NULL DEFAULT ''
)

CREATE INDEX parked_customer_by_run ON parked_customer (run)

CREATE TABLE cdr_file (
    id {pk},
    name VARCHAR(200) NOT NULL DEFAULT '',
    sha256 VARCHAR(64) NOT NULL UNIQUE DEFAULT '',
    wholesaler VARCHAR(32) NOT NULL DEFAULT 'default',
    layout VARCHAR(32) NOT NULL DEFAULT 'default',
    state VARCHAR(10) NOT NULL DEFAULT 'loaded',
    rows INTEGER NOT NULL DEFAULT 0,
    loaded INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    counted_in BIGINT REFERENCES billing_run (id),
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX cdr_file_by_counted_in ON cdr_file (counted_in)

CREATE TABLE cdr_part (
    id {pk},
    file BIGINT NOT NULL REFERENCES cdr_file (id),
    month VARCHAR(7) NOT NULL DEFAULT '',
    path VARCHAR(200) NOT NULL UNIQUE DEFAULT '',
    rows INTEGER NOT NULL DEFAULT 0
)

CREATE INDEX cdr_part_by_file ON cdr_part (file)

CREATE INDEX cdr_part_by_month ON cdr_part (month)

CREATE TABLE cdr_reject (
    id {pk},
    raw_text TEXT NOT NULL DEFAULT '',
    file BIGINT NOT NULL REFERENCES cdr_file (id),
    line_number INTEGER NOT NULL DEFAULT 0,
    cause VARCHAR(20) NOT NULL DEFAULT '',
    state VARCHAR(10) NOT NULL DEFAULT 'open'
)

CREATE INDEX cdr_reject_by_file ON cdr_reject (file)

CREATE INDEX cdr_reject_by_cause ON cdr_reject (cause)

CREATE TABLE import_batch (
    id {pk},
    kind VARCHAR(16) NOT NULL DEFAULT '',
    name VARCHAR(200) NOT NULL DEFAULT '',
    file_sha256 VARCHAR(64) NOT NULL DEFAULT '',
    code VARCHAR(32) NOT NULL DEFAULT '',
    valid_from DATE,
    mode VARCHAR(8) NOT NULL DEFAULT '',
    rows INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    errors JSON NOT NULL DEFAULT '[]',
    actor VARCHAR(100) NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX import_batch_by_kind ON import_batch (kind)

CREATE INDEX import_batch_by_file_sha256 ON import_batch (file_sha256)

CREATE TABLE number_series (
    id {pk},
    name VARCHAR(60) NOT NULL UNIQUE DEFAULT '',
    last_number INTEGER NOT NULL DEFAULT 0,
    last_issued_on DATE
)

CREATE TABLE invoice (
    id {pk},
    run BIGINT REFERENCES billing_run (id),
    customer BIGINT NOT NULL REFERENCES customer (id),
    origin VARCHAR(10) NOT NULL DEFAULT 'RUN',
    kind VARCHAR(12) NOT NULL DEFAULT '',
    state VARCHAR(10) NOT NULL DEFAULT 'draft',
    number VARCHAR(35) UNIQUE,
    issued_on DATE,
    due_on DATE,
    excl_vat_cents BIGINT NOT NULL DEFAULT 0,
    vat_cents BIGINT NOT NULL DEFAULT 0,
    incl_vat_cents BIGINT NOT NULL DEFAULT 0,
    corrects VARCHAR(35) NOT NULL DEFAULT '',
    corrects_on DATE,
    document JSON NOT NULL DEFAULT '{}',
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    validated_at TIMESTAMPTZ
)

CREATE INDEX invoice_by_run ON invoice (run)

CREATE INDEX invoice_by_customer ON invoice (customer)

CREATE INDEX invoice_by_state ON invoice (state)

CREATE TABLE invoice_line (
    id {pk},
    invoice BIGINT NOT NULL REFERENCES invoice (id),
    position INTEGER NOT NULL DEFAULT 0,
    section VARCHAR(14) NOT NULL DEFAULT '',
    line BIGINT REFERENCES line (id),
    item BIGINT REFERENCES line_item (id),
    label TEXT NOT NULL DEFAULT '',
    quantity INTEGER NOT NULL DEFAULT 1,
    amount_cents BIGINT NOT NULL DEFAULT 0,
    vat_rate NUMERIC(5, 2) NOT NULL DEFAULT 0,
    first_day DATE,
    last_day DATE,
    usage_month VARCHAR(7),
    type VARCHAR(5),
    category VARCHAR(32),
    part VARCHAR(1)
)

CREATE INDEX invoice_line_by_invoice ON invoice_line (invoice)

CREATE INDEX invoice_line_by_line ON invoice_line (line)

CREATE INDEX invoice_line_by_item ON invoice_line (item)

CREATE INDEX invoice_line_by_usage_month ON invoice_line (usage_month)

CREATE TABLE sealed_document (
    id {pk},
    invoice BIGINT NOT NULL REFERENCES invoice (id),
    kind VARCHAR(8) NOT NULL DEFAULT '',
    name VARCHAR(80) NOT NULL UNIQUE DEFAULT '',
    path VARCHAR(200) NOT NULL DEFAULT '',
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    size_bytes INTEGER NOT NULL DEFAULT 0,
    replaced_characters INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX sealed_document_by_invoice ON sealed_document (invoice)

CREATE TABLE timeline_entry (
    id {pk},
    at TIMESTAMPTZ NOT NULL,
    actor VARCHAR(100) NOT NULL DEFAULT '',
    subject VARCHAR(32) NOT NULL DEFAULT '',
    subject_id BIGINT NOT NULL DEFAULT 0,
    event VARCHAR(60) NOT NULL DEFAULT '',
    before JSON NOT NULL DEFAULT '{}',
    after JSON NOT NULL DEFAULT '{}'
)

CREATE TABLE access_link (
    id {pk},
    account BIGINT NOT NULL REFERENCES piccolo_user (id),
    token_sha256 VARCHAR(64) NOT NULL UNIQUE DEFAULT '',
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
)

-- Keys that span several columns

CREATE UNIQUE INDEX offer_identity ON offer (kind, code, valid_from)

CREATE UNIQUE INDEX rate_version_identity ON rate_version (rate_table, valid_from)

CREATE UNIQUE INDEX rate_identity ON rate (version, origin, type, direction, prefix)

CREATE UNIQUE INDEX line_identity ON line (msisdn, activated_on)

CREATE UNIQUE INDEX line_item_rank ON line_item (line, kind, position, starts_on)

CREATE UNIQUE INDEX cdr_part_month ON cdr_part (file, month)

CREATE UNIQUE INDEX cdr_reject_line ON cdr_reject (file, line_number)

CREATE UNIQUE INDEX billing_run_month ON billing_run (month) WHERE state <> 'cancelled'

-- Only one run computes at a time, whoever starts it

CREATE UNIQUE INDEX billing_run_computing ON billing_run ((state IS NOT NULL))
    WHERE state IN ('queued', 'rating', 'drafting', 'validating', 'printing', 'sending')

CREATE UNIQUE INDEX finding_identity ON finding (run, code, coalesce(customer_number, ''), coalesce(msisdn, ''))

CREATE UNIQUE INDEX waiver_identity ON waiver (run, code, coalesce(customer_number, ''), coalesce(msisdn, ''))

CREATE UNIQUE INDEX parked_customer_identity ON parked_customer (run, customer)

-- A run has one document per customer; credit notes made by hand and re-invoices stand beside it

CREATE UNIQUE INDEX invoice_of_run ON invoice (run, customer) WHERE origin = 'RUN'

CREATE UNIQUE INDEX invoice_line_rank ON invoice_line (invoice, position)

CREATE UNIQUE INDEX sealed_document_kind ON sealed_document (invoice, kind)

CREATE INDEX timeline_entry_story ON timeline_entry (subject, subject_id, at)

-- Shipped commitments (billing law § 3; the consumer's caps are in rules/commitment.py)

INSERT INTO commitment_type (code, label, months, customer_kinds, percent_first_year, percent_after) VALUES
    ('M0', 'Sans engagement', 0, 'BUSINESS+CONSUMER', 100, 100),
    ('M12', '12 mois', 12, 'BUSINESS+CONSUMER', 100, 100),
    ('M24', '24 mois', 24, 'BUSINESS+CONSUMER', 100, 100),
    ('M36', '36 mois', 36, 'BUSINESS', 100, 100)
