-- The stock of SIM cards: where a blocked card came from, when a batch runs low.

ALTER TABLE sim ADD COLUMN blocked_from VARCHAR(10) NOT NULL DEFAULT 'in_stock'

CREATE TABLE sim_batch (
    id {pk},
    name VARCHAR(60) NOT NULL UNIQUE DEFAULT '',
    alert_threshold INTEGER NOT NULL DEFAULT 0
)

-- Counts by batch and state are read from this index alone.
DROP INDEX sim_by_batch

CREATE INDEX sim_by_batch_state ON sim (batch, state)
