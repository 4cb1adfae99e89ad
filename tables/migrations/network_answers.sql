-- The answers of the wholesaler's network, each file read once

CREATE TABLE network_answer_file (
    id {pk},
    name VARCHAR(120) NOT NULL DEFAULT '',
    size_bytes BIGINT NOT NULL DEFAULT 0,
    modified_s BIGINT NOT NULL DEFAULT 0,
    sha256 VARCHAR(64) NOT NULL UNIQUE DEFAULT '',
    answers INTEGER NOT NULL DEFAULT 0,
    settled INTEGER NOT NULL DEFAULT 0,
    problems JSON NOT NULL DEFAULT '[]',
    read_at TIMESTAMPTZ NOT NULL
)

CREATE INDEX network_answer_file_by_name ON network_answer_file (name)
