CREATE TRIGGER seal_update BEFORE UPDATE ON seal
BEGIN SELECT RAISE(ABORT, 'frozen: un sceau ne change jamais'); END

CREATE TRIGGER seal_delete BEFORE DELETE ON seal
BEGIN SELECT RAISE(ABORT, 'frozen: un sceau ne change jamais'); END

CREATE TRIGGER seal_replace BEFORE INSERT ON seal WHEN EXISTS (
    SELECT 1 FROM seal WHERE id = NEW.id OR (series = NEW.series AND rank = NEW.rank) OR invoice = NEW.invoice OR paper = NEW.paper)
BEGIN SELECT RAISE(ABORT, 'frozen: un sceau ne change jamais'); END

CREATE TRIGGER accounting_export_update BEFORE UPDATE ON accounting_export
BEGIN SELECT RAISE(ABORT, 'frozen: un journal remis ne change jamais'); END

CREATE TRIGGER accounting_export_delete BEFORE DELETE ON accounting_export
BEGIN SELECT RAISE(ABORT, 'frozen: un journal remis ne change jamais'); END

CREATE TRIGGER accounting_export_replace BEFORE INSERT ON accounting_export WHEN EXISTS (
    SELECT 1 FROM accounting_export WHERE id = NEW.id OR (first_day = NEW.first_day AND last_day = NEW.last_day))
BEGIN SELECT RAISE(ABORT, 'frozen: un journal remis ne change jamais'); END
