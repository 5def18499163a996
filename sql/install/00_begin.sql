-- The SQL objects of pgbackrest_ctl: the files of this folder, in the order of their numbers, are its
-- install script. C functions bring the sidecar's answers as jsonb, checked for the
-- types that are relied on here; the views and functions of this file make rows of them.
--
-- Functions whose name begins with _ are parts of others and may change. They are granted like
-- those, as a function in a view runs with the rights of who reads the view.
--
-- All is read with nothing in the path but the server's own: an object that somebody has made in the
-- schema of the extension, before it came there, is not found. So each of its own objects is named
-- with the schema, and each argument of its functions is given, in the type that it is declared with.

\echo Use "CREATE EXTENSION pgbackrest_ctl" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;
