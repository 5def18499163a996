// links: ctl
// runs: 9000
/*
 * journal_fuzz.c
 *		Any journals that sidecars may tell: what is read of one can be gone on with and is written
 *		as it was, with what is not known of it, and no id, label or timeline of it is outside its
 *		grammar.
 *
 * The input is what one sidecar answers; another says the same but the first restore.
 */
#include "common/vocabulary.h"
#include "ctl/plan/plan_json.h"
#include "ctl/restore/journal.h"
#include "ctl/restore/journal_facts.h"
#include "program/json.h"
#include "fuzz_json.h"

static void
check_plan(const RestorePlan *plan)
{
	bool leads = false;

	MUST(pgbr_is_job_id(plan->id) && pgbr_is_stanza(plan->stanza));
	MUST(pgbr_is_backup_label(plan->set) && plan->target_timeline > 0);
	MUST(plan->repo >= 0 && plan->repo <= PGBR_REPO_MAX);
	MUST(plan->wal_segment_size >= 1 << 20 && plan->wal_segment_size <= 1 << 30);
	MUST(plan->wal_segments >= 0 && plan->bytes >= 0 && plan->seconds >= -1);
	MUST(plan->first_segment[0] == '\0' || pgbr_is_wal_segment(plan->first_segment));
	MUST(plan->last_segment[0] == '\0' || pgbr_is_wal_segment(plan->last_segment));
	for (int i = 0; i < plan->member_count; i++)
	{
		MUST(plan->members[i].name[0] && fuzz_is_visible(plan->members[i].name, ""));
		leads = leads || strcmp(plan->members[i].name, plan->leader) == 0;
	}
	MUST(leads && fuzz_is_visible(plan->scope, ""));
	for (int i = 0; i < plan->step_count; i++)
		MUST(i == 0 || plan->steps[i] > plan->steps[i - 1]);
}

/* What is written is read as the same, and a key of another version is still there. */
static void
check_document(const JournalRecord *record)
{
	JournalDocument *again = malloc(sizeof(*again));
	json_t *written = journal_document_write(record->document);
	json_t *rewritten;
	const char *key;
	json_t *value;

	MUST(journal_document_read(again, written) ==
		 (record->document->plan_error.code == PGBR_ERROR_NONE));
	rewritten = journal_document_write(again);
	MUST(json_equal(written, rewritten));
	MUST(json_array_size(json_object_get(written, "steps")) >=
		 (size_t) record->document->step_count);
	json_object_foreach((json_t *) record->json, key, value)
	{
		if (json_object_get(record->document->unknown, key))
			MUST(json_equal(json_object_get(written, key), value));
	}
	json_decref(written);
	json_decref(rewritten);
	journal_document_done(again);
	free(again);
}

static void
check_journal(const JournalRecord *record)
{
	static Cluster cluster;
	RestoreJournal *journal = malloc(sizeof(*journal));
	PgbrError error;

	memset(&cluster, 0, sizeof(cluster));
	if (restore_journal_read(journal, &cluster, record, &error))
	{
		json_t *plan = restore_plan_json(&journal->document.plan);

		MUST(plan);
		json_decref(plan);
		check_plan(&journal->document.plan);
		restore_journal_touched(journal);
		restore_journal_serves(journal);
		restore_journal_is_resumed(journal);
		journal_document_stopped_clean(&journal->document);
		restore_journal_undo_restores(journal);
		restore_journal_archived_timeline(journal);
		restore_journal_harmless(journal);
		for (int i = 0; i < RESTORE_STEP_COUNT; i++)
			restore_journal_result(journal, (RestoreStep) i);
	}
	restore_journal_done(journal);
	free(journal);
}

/* What the planner takes from them is within its bounds. */
static void
check_facts(const RestoreList *list)
{
	RestoreFacts facts;
	PgbrError error;

	restore_facts_init(&facts);
	MUST(restore_facts_read_journals(&facts, list, &error));
	for (size_t i = 0; i < facts.restore_count; i++)
	{
		const FactRestore *restore = &facts.restores[i];

		MUST(restore->timeline > 0 && restore->last_us >= 0);
		MUST(restore->begun_us >= 0 && restore->stopped_us >= 0);
	}
	for (size_t i = 0; i < facts.point_count; i++)
		MUST(pgbr_is_restore_point_name(facts.points[i].name) && facts.points[i].lsn > 0);
	restore_facts_done(&facts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static RestoreList list;
	PgbrError error;
	json_t *answer = json_parse((const char *) data, size, &error);
	json_t *other = answer ? json_deep_copy(answer) : NULL;

	memset(&list, 0, sizeof(list));
	if (json_is_object(answer))
	{
		json_array_remove(json_object_get(other, "restores"), 0);
		restore_list_add(&list, "m1", answer, &error);
		restore_list_add(&list, "m2", other, &error);
		for (int i = 0; i < list.count; i++)
		{
			const JournalRecord *record = &list.records[i];

			MUST(pgbr_is_job_id(record->id) && json_is_object(record->json));
			MUST(record->revision >= 0 && record->revision < INT64_MAX);
			MUST(record->holder_seconds_left >= 0);
			MUST(fuzz_is_visible(record->state, "") && fuzz_is_visible(record->created_at, ""));
			MUST(i == 0 || strcmp(list.records[i - 1].id, record->id) >= 0);
			check_document(record);
			check_journal(record);
		}
		restore_list_active(&list);
		check_facts(&list);
	}
	else
	{
		json_decref(answer);
		json_decref(other);
	}
	restore_list_done(&list);
	return 0;
}
