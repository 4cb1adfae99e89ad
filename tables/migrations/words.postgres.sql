CREATE TRIGGER mail_template_frozen BEFORE UPDATE OR DELETE ON mail_template FOR EACH ROW
    EXECUTE FUNCTION frozen('une version de modèle ne change jamais')

CREATE TRIGGER mail_template_kept BEFORE TRUNCATE ON mail_template EXECUTE FUNCTION frozen('une version de modèle ne change jamais')
