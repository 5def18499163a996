/*
 * own_tables.h
 *		What keeps the scheduler, which is a superuser, from running anybody's code by its tables.
 *
 * Its statements name them, and who owns the schema can put others under their names at any moment,
 * between two statements as well. Others can also have been given the right to make triggers (GRANT
 * ALL ON ALL TABLES gives it), or be the tables' owners.
 */
#ifndef PGBR_OWN_TABLES_H
#define PGBR_OWN_TABLES_H

#include "postgres.h"

/* From now on no trigger is fired in this process but those of replicas, and no relation is touched but
 * the server's own and those of own_tables_set. Inside a transaction, once. */
extern void own_tables_guard(void);

/* Is this such a process? */
extern bool own_tables_are_guarded(void);

/* The tables that may be touched; InvalidOid is none. */
extern void own_tables_set(Oid runs, Oid since);

/* Run what comes with the rights of this role, which is the owner of the tables, and with no way out of
 * them; and again as before, unless an error has ended the transaction. */
typedef struct OwnTablesBefore
{
	Oid user;
	int context;
} OwnTablesBefore;

extern OwnTablesBefore own_tables_enter(Oid owner);
extern void own_tables_leave(OwnTablesBefore before);

#endif
