CREATE TABLE job_run (
    id {pk},
    job VARCHAR(40) NOT NULL DEFAULT '',
    state VARCHAR(8) NOT NULL DEFAULT 'running',
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    problems JSON NOT NULL DEFAULT '[]'
)

CREATE INDEX job_run_by_job ON job_run (job)
