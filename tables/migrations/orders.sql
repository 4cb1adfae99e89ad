-- Orders: a form sent twice makes one order; the summary of a submitted order

ALTER TABLE customer_order ADD COLUMN once VARCHAR(64)

ALTER TABLE customer_order ADD COLUMN summary VARCHAR(120) NOT NULL DEFAULT ''

CREATE UNIQUE INDEX customer_order_once ON customer_order (once) WHERE once IS NOT NULL
