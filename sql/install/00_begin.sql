-- The SQL objects of pgbackrest_ctl: the files of this folder, in the order of their numbers, are
-- its install script. C functions return the sidecar's answers as jsonb and check the types of
-- their members; the views and functions here make rows of them.
--
-- Functions whose name begins with _ are internal and may change. A reader of a view needs the
-- right to execute the functions in it, so both are granted together.
--
-- This script runs with only pg_catalog in the path. Another user's object in the schema of the
-- extension is not found by its name. So each object of the extension is named with the schema, and
-- each call passes all arguments in their declared types.

\echo Use "CREATE EXTENSION pgbackrest_ctl" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;
