-- One press of a button, one charge; one re-invoice of an invoice; the credit notes of an invoice found at once

ALTER TABLE charge ADD COLUMN once VARCHAR(64)

CREATE UNIQUE INDEX charge_once ON charge (once) WHERE once IS NOT NULL

CREATE UNIQUE INDEX invoice_reinvoiced ON invoice (corrects) WHERE origin = 'REINVOICE'

CREATE INDEX invoice_by_corrects ON invoice (corrects)
