/*
 * journal.c
 *		See journal.h.
 */
#include "ctl/restore/journal.h"

#include "ctl/print/message.h"
#include "program/clock.h"
#include "program/json.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Between two tries to reach a sidecar that does not answer. */
#define RETRY_MS 200

bool
restore_may_pass(const PgbrError *error)
{
	return error->code == PGBR_ERROR_UNREACHABLE || error->code == PGBR_ERROR_TIMEOUT ||
		   error->code == PGBR_ERROR_PROTOCOL || error->code == PGBR_ERROR_UNAVAILABLE ||
		   error->code == PGBR_ERROR_STORAGE;
}

void
restore_hint_absent(PgbrError *error, const RestoreJournal *journal, const char *member)
{
	PgbrError reason = *error;
	/* once Patroni was resumed, it replaces a leader that is gone */
	bool leads =
		strcmp(restore_journal_leads(journal), member) == 0 && !restore_journal_is_resumed(journal);
	const char *format = !leads ? "%s%sIf the member is gone for good, run the same command with "
								  "--without-member=%s to continue without it."
						 : journal->document.plan.request.undo
							 ? "%s%sIf the leader is gone for good, \"" PROGRAM_NAME
							   " undo --without-member=%s\" continues with another leader."
							 : "%s%sIf the leader is gone for good, \"" PROGRAM_NAME
							   " undo --without-member=%s\" takes the restore back without it.";

	pgbr_error_hint(error, format, reason.hint, reason.hint[0] ? " " : "", member);
}

static void
make_holder(RestoreJournal *journal)
{
	unsigned char bytes[16] = {0};

	/* if two were the same, each would let the other in */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		memcpy(bytes, &(int64_t){clock_now_ms()}, sizeof(int64_t));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(journal->holder + 2 * i, 3, "%02x", bytes[i]);
}

/* Where the members are, for a control binary that knows one of them. */
static void
note_members(RestoreJournal *journal)
{
	JournalDocument *document = &journal->document;

	for (int i = 0; i < document->plan.member_count; i++)
	{
		JournalMember *noted = &document->members[document->member_count++];
		const ClusterMember *member =
			cluster_find(journal->cluster, document->plan.members[i].name);

		strcpy(noted->name, document->plan.members[i].name);
		if (member == NULL)
			continue;
		pgbr_copy_text(noted->api_url, sizeof(noted->api_url), member->api_url);
		pgbr_copy_text(noted->sidecar_url, sizeof(noted->sidecar_url), member->sidecar.url);
	}
}

void
restore_journal_begin(RestoreJournal *journal, Cluster *cluster, const RestorePlan *plan)
{
	memset(journal, 0, sizeof(*journal));
	journal->cluster = cluster;
	make_holder(journal);
	journal_document_init(&journal->document, plan);
	note_members(journal);
}

void
restore_journal_done(RestoreJournal *journal)
{
	journal_document_done(&journal->document);
}

bool
restore_journal_add_members(const JournalDocument *document, Cluster *cluster, PgbrError *error)
{
	for (int i = 0; i < document->member_count; i++)
	{
		const JournalMember *member = &document->members[i];

		if (!cluster_add(cluster, member->name, member->api_url, member->sidecar_url, error))
			return false;
	}
	return true;
}

bool
restore_journal_read(RestoreJournal *journal, Cluster *cluster, const JournalRecord *record,
					 PgbrError *error)
{
	const JournalDocument *document = &journal->document;

	memset(journal, 0, sizeof(*journal));
	journal->cluster = cluster;
	journal->revision = record->revision;
	make_holder(journal);
	memset(journal->reached, true, sizeof(journal->reached));
	if (!journal_document_read(&journal->document, record->json))
	{
		*error = document->plan_error;
		return false;
	}
	for (int i = 0; i < document->plan.step_count; i++)
		journal->states[document->plan.steps[i]] =
			journal_document_state(document, document->plan.steps[i]);
	return restore_journal_add_members(document, cluster, error);
}

static json_t *
journal_body(const RestoreJournal *journal, bool done, bool with_document, int lease)
{
	json_t *body = json_object();

	json_put_text(body, "holder", journal->holder);
	json_object_set_new(body, "lease_seconds", json_integer(lease));
	json_object_set_new(body, "revision", json_integer(journal->revision));
	json_put_text(body, "state", done ? "done" : "active");
	json_put_text(body, "replaces",
				  journal->document.replaces[0] ? journal->document.replaces : NULL);
	json_object_set_new(body, "document",
						with_document ? journal_document_write(&journal->document) : json_null());
	return body;
}

static bool
journal_put_once(const RestoreJournal *journal, const ClusterMember *member, const json_t *body,
				 PgbrError *error)
{
	char path[64];
	json_t *answer = NULL;
	bool ok;

	snprintf(path, sizeof(path), "/v1/restores/%s", journal->document.plan.id);
	ok = sidecar_client_call(&member->sidecar, "PUT", path, body, 0, &answer, error);
	json_decref(answer);
	return ok;
}

/* Write to one member, and try again while it does not answer. */
static bool
journal_put(const RestoreJournal *journal, const char *name, const json_t *body, PgbrError *error)
{
	const ClusterMember *member = cluster_find(journal->cluster, name);
	int64_t until = clock_monotonic_ms() + RESTORE_OUTAGE_S * 1000;
	PgbrError reason;

	if (member == NULL || member->sidecar.url[0] == '\0')
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
							  "the URL of the sidecar of member \"%s\" is not known", name) ||
			   pgbr_error_hint(error, "Give it with --sidecar=%s=URL.", name);
	while (!journal_put_once(journal, member, body, &reason))
	{
		if (!restore_may_pass(&reason) || clock_monotonic_ms() >= until)
		{
			pgbr_error_set(error, reason.code, "could not write the journal on member \"%s\": %s",
						   name, reason.message);
			pgbr_error_detail(error, "%s", reason.detail);
			pgbr_error_hint(error, "%s", reason.hint);
			if (restore_may_pass(&reason))
				restore_hint_absent(error, journal, name);
			return false;
		}
		poll(NULL, 0, RETRY_MS);
	}
	return true;
}

bool
restore_journal_touched(const RestoreJournal *journal)
{
	return restore_state_touched(&journal->document.plan, journal->states) ||
		   journal->document.touched_before;
}

bool
restore_journal_serves(const RestoreJournal *journal)
{
	/* a leader that this restore has not stopped may still be incomplete from an earlier one */
	return restore_state_serves(&journal->document.plan, journal->states) &&
		   (journal->states[RESTORE_HAND_OVER] == RESTORE_STEP_DONE ||
			!journal->document.touched_before);
}

bool
restore_journal_undo_restores(const RestoreJournal *journal)
{
	return restore_journal_touched(journal) ||
		   (journal->states[RESTORE_ARCHIVE] != RESTORE_STEP_PENDING &&
			!journal_document_stopped_clean(&journal->document));
}

const char *
restore_journal_leads(const RestoreJournal *journal)
{
	const RestorePlan *plan = &journal->document.plan;

	return restore_state_touched(plan, journal->states) ? plan->leader : restore_plan_led_by(plan);
}

bool
restore_journal_is_resumed(const RestoreJournal *journal)
{
	return restore_state_resumed(journal->states[RESTORE_RESUME], journal->cluster->view.paused);
}

uint32_t
restore_journal_archived_timeline(const RestoreJournal *journal)
{
	const JournalDocument *document = &journal->document;

	return document->mark || document->archived_timeline == 0 ||
				   journal->states[RESTORE_ARCHIVE] == RESTORE_STEP_DONE
			   ? document->plan.old_timeline
			   : document->archived_timeline;
}

bool
restore_journal_leave_out(RestoreJournal *journal, const RestoreRequest *more, bool leader_too,
						  PgbrError *error)
{
	const char *leader = restore_journal_leads(journal);

	if (leader_too && restore_request_is_without(more, leader) &&
		!cluster_is_gone(journal->cluster, leader))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "member \"%s\" is the leader and can't be left out: it answers", leader);
		return pgbr_error_hint(error, "Run the same command without --without-member=%s.", leader);
	}
	return restore_plan_leave_out(&journal->document.plan, more, leader_too, error);
}

bool
restore_journal_harmless(const RestoreJournal *journal)
{
	return journal->states[RESTORE_PAUSE] == RESTORE_STEP_PENDING &&
		   !restore_journal_touched(journal) && !journal->document.paused_before;
}

static json_t *
journal_next_body(RestoreJournal *journal, bool done)
{
	journal->document.touched |= restore_journal_touched(journal);
	journal->document.harmless = restore_journal_harmless(journal);
	/* what undo needs is kept by then, so that no backup expires it */
	journal->document.resumed = journal->states[RESTORE_REPLICAS_STREAM] != RESTORE_STEP_PENDING;
	journal->revision++;
	journal->renewed_ms = clock_monotonic_ms();
	return journal_body(journal, done, true, done ? 0 : RESTORE_LEASE_S);
}

bool
restore_journal_write(RestoreJournal *journal, PgbrError *error)
{
	json_t *body = journal_next_body(journal, false);
	bool ok = body || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	/* in the order of names: of two that begin at once, the second meets the first immediately */
	for (int i = 0; ok && i < journal->document.plan.member_count; i++)
	{
		if (journal->document.plan.members[i].left_out)
			continue;
		ok = journal_put(journal, journal->document.plan.members[i].name, body, error);
		journal->reached[i] |= ok;
	}
	json_decref(body);
	return ok;
}

bool
restore_journal_finish(RestoreJournal *journal, PgbrError *error)
{
	json_t *body = journal_next_body(journal, true);
	bool taken = false;

	*error = (PgbrError) PGBR_ERROR_INIT;
	for (int i = 0; body && i < journal->document.plan.member_count; i++)
	{
		if (journal->document.plan.members[i].left_out)
			continue;
		if (journal_put(journal, journal->document.plan.members[i].name, body, error))
			taken = true;
		/* the control binary that continues it also ends it */
		else if (!taken && !restore_may_pass(error))
			break;
	}
	if (body == NULL)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	json_decref(body);
	return taken;
}

bool
restore_journal_write_once(RestoreJournal *journal, PgbrError *error)
{
	json_t *body = journal_next_body(journal, false);
	bool ok = body != NULL;

	for (int i = 0; body && i < journal->document.plan.member_count; i++)
	{
		const ClusterMember *member =
			cluster_find(journal->cluster, journal->document.plan.members[i].name);

		if (!journal->document.plan.members[i].left_out && member && member->sidecar.url[0])
			ok &= journal_put_once(journal, member, body, error);
	}
	json_decref(body);
	return ok;
}

void
restore_journal_end(RestoreJournal *journal)
{
	json_t *body = journal_next_body(journal, true);
	PgbrError ignored;

	for (int i = 0; body && i < journal->document.plan.member_count; i++)
	{
		const ClusterMember *member =
			cluster_find(journal->cluster, journal->document.plan.members[i].name);

		if (journal->reached[i] && member)
			(void) journal_put_once(journal, member, body, &ignored);
	}
	json_decref(body);
}

/*
 * A sidecar may have lost its state folder, or may have given the restore up as harmless before it
 * heard of more. It gets the journal again with the lease.
 */
static bool
journal_put_whole(const RestoreJournal *journal, const ClusterMember *member, int seconds,
				  PgbrError *error)
{
	json_t *body = journal_body(journal, false, true, seconds);
	bool ok = body && journal_put_once(journal, member, body, error);

	json_decref(body);
	return ok;
}

static bool
journal_put_lease(RestoreJournal *journal, int seconds, PgbrError *error)
{
	json_t *body = journal_body(journal, false, false, seconds);
	bool ok = true;

	for (int i = 0; body && ok && i < journal->document.plan.member_count; i++)
	{
		const ClusterMember *member =
			cluster_find(journal->cluster, journal->document.plan.members[i].name);
		PgbrError reason;

		if (journal->document.plan.members[i].left_out || member == NULL ||
			member->sidecar.url[0] == '\0' || journal_put_once(journal, member, body, &reason) ||
			restore_may_pass(&reason) ||
			((reason.code == PGBR_ERROR_NOT_FOUND || reason.code == PGBR_ERROR_CONFLICT) &&
			 (journal_put_whole(journal, member, seconds, &reason) || restore_may_pass(&reason))))
			continue;
		*error = reason;
		ok = false;
	}
	json_decref(body);
	return ok;
}

bool
restore_journal_renew(RestoreJournal *journal, PgbrError *error)
{
	if (clock_monotonic_ms() - journal->renewed_ms < RESTORE_RENEW_S * 1000)
		return true;
	journal->renewed_ms = clock_monotonic_ms();
	return journal_put_lease(journal, RESTORE_LEASE_S, error);
}

void
restore_journal_release(RestoreJournal *journal)
{
	PgbrError ignored;

	journal_put_lease(journal, 0, &ignored);
}

void
restore_journal_set(RestoreJournal *journal, RestoreStep step, RestoreStepState state,
					const char *message)
{
	JournalStep *entry = journal_document_entry(&journal->document, step);

	journal->states[step] = state;
	if (state == RESTORE_STEP_STARTED)
	{
		/* a step that was interrupted continues with the jobs it had asked for */
		if (entry->state != RESTORE_STEP_STARTED)
			entry->attempt++;
		clock_format(clock_now_ms(), entry->started_at);
		entry->finished_at[0] = '\0';
	}
	else if (state != RESTORE_STEP_PENDING)
		clock_format(clock_now_ms(), entry->finished_at);
	entry->state = state;
	pgbr_copy_text(entry->message, sizeof(entry->message), message ? message : "");
}

void
restore_journal_put_result(RestoreJournal *journal, RestoreStep step, json_t *result)
{
	JournalStep *entry = journal_document_entry(&journal->document, step);

	journal_document_put(&entry->result, json_is_object(result) ? json_incref(result) : NULL);
	json_decref(result);
}

const json_t *
restore_journal_result(const RestoreJournal *journal, RestoreStep step)
{
	const JournalStep *entry = journal_document_find(&journal->document, step);

	return entry ? entry->result : NULL;
}
