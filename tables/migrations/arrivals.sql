CREATE TABLE arrival (
    id {pk},
    source VARCHAR(8) NOT NULL DEFAULT 'SFTP',
    name VARCHAR(200) NOT NULL DEFAULT '',
    size_bytes BIGINT NOT NULL DEFAULT 0,
    modified_s BIGINT NOT NULL DEFAULT 0,
    state VARCHAR(8) NOT NULL DEFAULT 'waiting',
    reason TEXT NOT NULL DEFAULT '',
    sha256 VARCHAR(64) NOT NULL DEFAULT '',
    cdr_file BIGINT REFERENCES cdr_file (id),
    seen_at TIMESTAMPTZ NOT NULL
)

CREATE UNIQUE INDEX arrival_version ON arrival (name, size_bytes, modified_s) WHERE source = 'SFTP'

CREATE INDEX arrival_by_state ON arrival (state)

CREATE INDEX arrival_by_cdr_file ON arrival (cdr_file)

ALTER TABLE cdr_file ADD COLUMN received_sha256 VARCHAR(64) NOT NULL DEFAULT ''

ALTER TABLE cdr_part ADD COLUMN counted_in BIGINT REFERENCES billing_run (id)

UPDATE cdr_part SET counted_in = (SELECT counted_in FROM cdr_file WHERE cdr_file.id = cdr_part.file)

CREATE INDEX cdr_part_by_counted_in ON cdr_part (counted_in)

DROP INDEX cdr_part_month

CREATE INDEX cdr_part_month ON cdr_part (file, month)

ALTER TABLE cdr_reject ADD COLUMN note VARCHAR(500) NOT NULL DEFAULT ''
