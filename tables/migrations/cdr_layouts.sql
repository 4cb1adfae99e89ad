CREATE TABLE cdr_layout (
    id {pk},
    code VARCHAR(32) NOT NULL UNIQUE,
    label VARCHAR(100) NOT NULL DEFAULT '',
    wholesaler VARCHAR(32) NOT NULL DEFAULT 'default',
    name_pattern VARCHAR(200) NOT NULL DEFAULT '',
    description JSON NOT NULL DEFAULT '{}',
    active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL
)
