-- Customers as their page has them

ALTER TABLE customer ADD COLUMN wholesaler_name VARCHAR(120) NOT NULL DEFAULT ''

ALTER TABLE customer ADD COLUMN send_credentials BOOLEAN NOT NULL DEFAULT FALSE

-- A login and a site address belong to one customer, however they are written

CREATE UNIQUE INDEX customer_by_login ON customer (lower(login))

CREATE UNIQUE INDEX customer_by_site_email ON customer (lower(site_email))
