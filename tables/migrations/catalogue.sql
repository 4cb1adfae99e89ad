CREATE TABLE product (
    id {pk},
    code VARCHAR(32) NOT NULL DEFAULT '',
    kind VARCHAR(9) NOT NULL DEFAULT 'SERVICE',
    label VARCHAR(120) NOT NULL DEFAULT '',
    recurring BOOLEAN NOT NULL DEFAULT false,
    price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    vat_rate NUMERIC(5, 2) NOT NULL DEFAULT 20,
    valid_from DATE NOT NULL
)

CREATE UNIQUE INDEX product_identity ON product (code, valid_from)

CREATE TABLE device (
    id {pk},
    code VARCHAR(32) NOT NULL DEFAULT '',
    brand VARCHAR(60) NOT NULL DEFAULT '',
    model VARCHAR(120) NOT NULL DEFAULT '',
    price NUMERIC(12, 6) NOT NULL DEFAULT 0,
    vat_rate NUMERIC(5, 2) NOT NULL DEFAULT 20,
    valid_from DATE NOT NULL
)

CREATE UNIQUE INDEX device_identity ON device (code, valid_from)

CREATE TABLE device_unit (
    id {pk},
    device BIGINT NOT NULL REFERENCES device (id),
    imei VARCHAR(15) NOT NULL UNIQUE,
    state VARCHAR(8) NOT NULL DEFAULT 'in_stock'
)

CREATE INDEX device_unit_by_device ON device_unit (device)
