/*
 * replicated.c
 *		The trigger that keeps the history of another server out of ours.
 *
 * A publication FOR ALL TABLES contains the history, and has no way to exclude it. The subscriber's
 * scheduler would take the publisher's runs for its own, and go on with them. So this trigger drops
 * the rows that replication brings. It is a replica trigger: only replication fires it, and the
 * scheduler, which fires no other trigger.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "extension/own_tables.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(_pgbr_ignore_replicated);

/* _pgbr_ignore_replicated(): only the scheduler may insert, update or delete a row */
Datum
_pgbr_ignore_replicated(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = (const TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("_pgbr_ignore_replicated must be called as a trigger")));
	if (!own_tables_are_guarded())
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}
