/*
 * own_tables.c
 *		See own_tables.h.
 *
 * Each statement is checked just before it is planned. By then its names have become OIDs, which
 * are locked and stay the same, and no code behind them has run.
 */
#include "extension/own_tables.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* the server's own headers are not all strict */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#pragma GCC diagnostic pop

static bool guarded;
static Oid own[2];
static planner_hook_type next_planner;

static bool
may_touch(Oid relation)
{
	return relation < FirstNormalObjectId || relation == own[0] || relation == own[1];
}

/* Raises an error for a relation that is not ours; never returns true. */
static bool
refuse_others(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, refuse_others, context, QTW_EXAMINE_RTES_BEFORE);
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (const RangeTblEntry *) node;

		if (entry->rtekind == RTE_RELATION && !may_touch(entry->relid))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("pgbackrest_ctl: relation %u is not of the extension", entry->relid),
					 errhint("Has its schema been given another name, or one of its tables "
							 "a rule or a trigger?")));
		return false;
	}
	return expression_tree_walker(node, refuse_others, context);
}

static PlannedStmt *
plan(Query *query, const char *text, int options, ParamListInfo parameters)
{
	(void) refuse_others((Node *) query, NULL);
	return next_planner ? next_planner(query, text, options, parameters)
						: standard_planner(query, text, options, parameters);
}

void
own_tables_guard(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
	guarded = true;
	/* a role can create a trigger without being the owner; it fires here only if the owner
	 * enables it */
	SetConfigOption("session_replication_role", "replica", PGC_SUSET, PGC_S_OVERRIDE);
}

bool
own_tables_are_guarded(void)
{
	return guarded;
}

void
own_tables_set(Oid runs, Oid since)
{
	own[0] = runs;
	own[1] = since;
}

OwnTablesBefore
own_tables_enter(Oid owner)
{
	OwnTablesBefore before;

	GetUserIdAndSecContext(&before.user, &before.context);
	SetUserIdAndSecContext(owner, before.context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
	return before;
}

void
own_tables_leave(OwnTablesBefore before)
{
	SetUserIdAndSecContext(before.user, before.context);
}
