-- The page of imports: a batch lives from its upload on, and keeps what it touched.

ALTER TABLE import_batch ADD COLUMN state VARCHAR(10) NOT NULL DEFAULT 'imported'

ALTER TABLE import_batch ADD COLUMN layout VARCHAR(32) NOT NULL DEFAULT 'default'

ALTER TABLE import_batch ADD COLUMN rejected_rows TEXT NOT NULL DEFAULT ''

ALTER TABLE import_batch ADD COLUMN report JSON NOT NULL DEFAULT '{}'

ALTER TABLE import_batch ADD COLUMN plan_sha256 VARCHAR(64) NOT NULL DEFAULT ''

ALTER TABLE import_batch ADD COLUMN done INTEGER NOT NULL DEFAULT 0

ALTER TABLE import_batch ADD COLUMN total INTEGER NOT NULL DEFAULT 0

ALTER TABLE import_batch ADD COLUMN upload VARCHAR(80) NOT NULL DEFAULT ''

ALTER TABLE import_batch ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0

ALTER TABLE import_batch ADD COLUMN cdr_file BIGINT REFERENCES cdr_file (id)

UPDATE import_batch SET cdr_file = (SELECT id FROM cdr_file WHERE sha256 = file_sha256) WHERE kind = 'cdrs'

CREATE TABLE import_item (
    id {pk},
    batch BIGINT NOT NULL REFERENCES import_batch (id),
    subject VARCHAR(32) NOT NULL DEFAULT '',
    subject_id BIGINT NOT NULL DEFAULT 0,
    before TEXT NOT NULL DEFAULT '',
    after VARCHAR(32) NOT NULL DEFAULT ''
)

CREATE INDEX import_item_by_batch ON import_item (batch)

-- A file of CDRs that was backed out may be loaded again: its content is unique among the others only.

CREATE UNIQUE INDEX cdr_file_once ON cdr_file (sha256) WHERE state <> 'backed_out'
