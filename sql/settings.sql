-- The settings: who sets them, and which values they take.
CREATE EXTENSION pgbackrest_ctl;
SELECT count(*) >= 0 AS loaded FROM pgbr_jobs;

SELECT name, context, vartype, unit, min_val, max_val, boot_val
FROM pg_settings
WHERE name LIKE 'pgbackrest_ctl.sidecar%'
ORDER BY name COLLATE "C";

-- no session sets them
SET pgbackrest_ctl.sidecar_url = 'http://127.0.0.1:1';
SET pgbackrest_ctl.sidecar_timeout = 100;
SET pgbackrest_ctl.sidecar_token_file = '/dev/null';
ALTER ROLE postgres SET pgbackrest_ctl.sidecar_url = 'http://127.0.0.1:1';
-- and the prefix is taken
SET pgbackrest_ctl.sidecar_ur = 'x';

-- what is refused; none of this is kept
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = '';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'localhost:8430';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'ftp://localhost';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'file:///etc/passwd';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http:///v1';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://user:password@localhost';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://user@localhost';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost:0';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost:65536';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost:8430x';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost:';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost?x=1';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost/a?x=1';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost/a#b';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://local host';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost/a b';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = E'http://localhost/\tx';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost/ä';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://[::1';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = ' http://localhost';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:relative';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/a/';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix://host/a:b';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/a b';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/a,b';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_timeout = 0;
ALTER SYSTEM SET pgbackrest_ctl.sidecar_timeout = '99ms';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_timeout = '2h';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_timeout = 'soon';

-- what is taken
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://localhost';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'HTTP://127.0.0.1:8430/';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'https://db-1.example_net:443/member/m1/';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'http://[::1]:8430';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/run/pgbackrest/m-1.sock';
ALTER SYSTEM SET pgbackrest_ctl.sidecar_url = 'unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
ALTER SYSTEM RESET pgbackrest_ctl.sidecar_url;
ALTER SYSTEM SET pgbackrest_ctl.sidecar_timeout = '1min';
ALTER SYSTEM RESET pgbackrest_ctl.sidecar_timeout;

DROP EXTENSION pgbackrest_ctl;
