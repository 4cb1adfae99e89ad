ALTER TABLE cdr_file DROP CONSTRAINT cdr_file_sha256_key
