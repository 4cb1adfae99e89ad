CREATE TRIGGER mail_template_update BEFORE UPDATE ON mail_template
BEGIN SELECT RAISE(ABORT, 'frozen: une version de modèle ne change jamais'); END

CREATE TRIGGER mail_template_delete BEFORE DELETE ON mail_template
BEGIN SELECT RAISE(ABORT, 'frozen: une version de modèle ne change jamais'); END

CREATE TRIGGER mail_template_replace BEFORE INSERT ON mail_template WHEN EXISTS (
    SELECT 1 FROM mail_template WHERE id = NEW.id OR (kind = NEW.kind AND version = NEW.version))
BEGIN SELECT RAISE(ABORT, 'frozen: une version de modèle ne change jamais'); END
