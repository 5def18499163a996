/*
 * way_back_kept.c
 *		See way_back_kept.h. The annotations of the backups tell what is kept: see retention.h.
 */
#include "ctl/restore/way_back_kept.h"

#include "common/vocabulary.h"
#include "ctl/client/job_view.h"
#include "ctl/client/job_watch.h"
#include "ctl/facts/gather.h"
#include "ctl/plan/way_back.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/retention.h"

#include <string.h>

static const FactBackup *
find_kept(const RestoreFacts *facts, const char *restore)
{
	for (size_t i = 0; i < facts->backup_count; i++)
	{
		if (retention_way_back_is_of(facts->backups[i].way_back, restore))
			return &facts->backups[i];
	}
	return NULL;
}

/* The end of the annotation, when it is a time to come; else NULL. */
static const char *
kept_until(const FactBackup *kept)
{
	const char *until = kept ? strrchr(kept->way_back, ' ') : NULL;
	int64_t ms;

	return until && clock_parse(until + 1, &ms) && ms > clock_now_ms() ? until + 1 : NULL;
}

static uint64_t
mark_lsn(const json_t *mark)
{
	const char *text = json_text(mark, "lsn");
	uint64_t lsn;

	return text && recovery_lsn_parse(text, &lsn) ? lsn : 0;
}

static void
look(const RestoreFacts *facts, const JournalRecord *record, json_t *json)
{
	const RestorePlan *plan = &record->document->plan;
	WayBack way;

	way_back_find(facts, plan->old_timeline, mark_lsn(record->document->mark), &way);
	json_object_set_new(json, "possible", json_boolean(way.set[0] != '\0'));
	json_put_text(json, "set", way.set[0] ? way.set : NULL);
	json_put_text(json, "until", way.set[0] ? kept_until(find_kept(facts, plan->id)) : NULL);
	json_put_text(json, "reason", way.reason[0] ? way.reason : NULL);
}

json_t *
way_back_look(Cluster *cluster, const JournalRecord *record)
{
	json_t *json = json_object();
	PgbrError error = PGBR_ERROR_INIT;
	RestoreFacts facts;

	restore_facts_init(&facts);
	facts.archive.segment_size = (uint64_t) record->document->plan.wal_segment_size;
	if (restore_facts_gather(cluster, &facts, &error) && facts.repo_errors[0] == '\0' &&
		facts.leader[0])
		look(&facts, record, json);
	else
	{
		json_object_set_new(json, "possible", json_null());
		json_object_set_new(json, "set", json_null());
		json_object_set_new(json, "until", json_null());
		json_put_text(json, "reason",
					  error.code != PGBR_ERROR_NONE ? error.message
					  : facts.repo_errors[0]		? facts.repo_errors
													: "there is no leader");
	}
	restore_facts_done(&facts);
	return json;
}

/* Remove the annotation: a text that is empty does. */
static bool
release(const ClusterMember *leader, const FactBackup *kept, PgbrError *error)
{
	json_t *request =
		json_pack("{ss ss si s{ss} ss}", "kind", pgbr_job_kind_name(PGBR_JOB_ANNOTATE), "set",
				  kept->label, "repo", kept->repo, "annotations", RETENTION_WAY_BACK, "", "reason",
				  "the undo of a restore is given up");
	json_t *job = NULL;
	JobView view;
	bool ok =
		sidecar_client_call(&leader->sidecar, "POST", PGBR_PATH_JOBS, request, 0, &job, error) &&
		job_watch(&leader->sidecar, &job, 0, JOB_WATCH_OUTAGE_S, NULL, error) ==
			JOB_WATCH_FINISHED &&
		job_view_read(job, &view, error);

	if (ok && view.state != PGBR_STATE_SUCCEEDED)
		ok =
			pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "could not let backup %s expire again: %s",
						   kept->label, view.message ? view.message : "the job did not succeed");
	json_decref(request);
	json_decref(job);
	return ok;
}

bool
way_back_give_up(Cluster *cluster, const char *restore, PgbrError *error)
{
	const ClusterMember *leader;
	RestoreFacts facts;
	bool ok;

	restore_facts_init(&facts);
	ok = restore_facts_gather(cluster, &facts, error);
	leader = ok ? cluster_find(cluster, facts.leader) : NULL;
	if (ok && leader == NULL)
		ok = pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the cluster has no leader");
	for (size_t i = 0; ok && i < facts.backup_count; i++)
	{
		if (retention_way_back_is_of(facts.backups[i].way_back, restore))
			ok = release(leader, &facts.backups[i], error);
	}
	restore_facts_done(&facts);
	return ok;
}
