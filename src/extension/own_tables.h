/*
 * own_tables.h
 *		Keeps the scheduler, which is a superuser, from running other people's code through its
 *		tables.
 *
 * Its statements name the tables. The owner of the schema can put other tables under these names at
 * any moment, even between two statements. Other roles may own the tables, or may have the right to
 * create triggers (GRANT ALL ON ALL TABLES gives it).
 */
#ifndef PGBR_OWN_TABLES_H
#define PGBR_OWN_TABLES_H

#include "postgres.h"

/* From now on this process fires only replica triggers, and touches only the server's own relations
 * and those of own_tables_set. Call it once, inside a transaction. */
extern void own_tables_guard(void);

/* Has this process called own_tables_guard? */
extern bool own_tables_are_guarded(void);

/* The tables that may be touched; InvalidOid is none. */
extern void own_tables_set(Oid runs, Oid since);

/* Take the rights of this role, which owns the tables, in a way that the code that runs cannot
 * undo; and return to the rights before. When an error ends the transaction, the server does
 * that. */
typedef struct OwnTablesBefore
{
	Oid user;
	int context;
} OwnTablesBefore;

extern OwnTablesBefore own_tables_enter(Oid owner);
extern void own_tables_leave(OwnTablesBefore before);

#endif
