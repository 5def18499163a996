/*
 * replicated.c
 *		The trigger that keeps the history of another server out of ours.
 *
 * A publication FOR ALL TABLES has the history in it, and nothing can take it out there. At a
 * subscriber it would be taken for the subscriber's own, whose scheduler would go on with the runs of
 * the publisher's: so it is dropped as it comes. The trigger is one of replicas, so it is not called
 * but for what replication brings; and in the scheduler, which lets no other trigger be fired.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "extension/own_tables.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(_pgbr_ignore_replicated);

/* _pgbr_ignore_replicated(): a row is not inserted, updated or deleted, unless the scheduler does it */
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
