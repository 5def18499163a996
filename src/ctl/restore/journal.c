/*
 * journal.c
 *		See journal.h. How the lists of several sidecars are put together is in restore_list.c.
 */
#include "ctl/restore/journal.h"

#include "ctl/plan/plan_json.h"
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
	/* Patroni replaces one that has gone since it was resumed */
	bool leads = strcmp(journal->plan.leader, member) == 0 && !restore_journal_is_resumed(journal);
	const char *format =
		!leads ? "%s%sIf the member is gone for good, the same command goes on without it: "
				 "--without-member=%s."
		: journal->plan.request.undo
			? "%s%sIf the leader is gone for good, \"" PROGRAM_NAME
			  " undo --without-member=%s\" goes on with another in its place."
			: "%s%sIf the leader is gone for good, \"" PROGRAM_NAME
			  " undo --without-member=%s\" takes the restore back without it.";

	pgbr_error_hint(error, format, reason.hint, reason.hint[0] ? " " : "", member);
}

static void
make_holder(RestoreJournal *journal)
{
	unsigned char bytes[16] = {0};

	/* two that are alike would only let each other in */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		memcpy(bytes, &(int64_t){clock_now_ms()}, sizeof(int64_t));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(journal->holder + 2 * i, 3, "%02x", bytes[i]);
}

static json_t *
describe_members(const RestoreJournal *journal)
{
	json_t *members = json_array();

	for (int i = 0; members && i < journal->plan.member_count; i++)
	{
		const ClusterMember *member = cluster_find(journal->cluster, journal->plan.members[i].name);
		json_t *json = json_object();

		json_array_append_new(members, json);
		json_put_text(json, "name", journal->plan.members[i].name);
		json_put_text(json, "api_url", member ? member->api_url : NULL);
		json_put_text(json, "sidecar_url", member ? member->sidecar.url : NULL);
	}
	return members;
}

bool
restore_journal_begin(RestoreJournal *journal, Cluster *cluster, const RestorePlan *plan,
					  PgbrError *error)
{
	memset(journal, 0, sizeof(*journal));
	journal->cluster = cluster;
	journal->plan = *plan;
	make_holder(journal);
	journal->document = json_object();
	if (json_object_set_new(journal->document, "plan", restore_plan_json(plan)) != 0 ||
		json_object_set_new(journal->document, "members", describe_members(journal)) != 0 ||
		json_object_set_new(journal->document, "steps", json_array()) != 0 ||
		json_object_set_new(journal->document, "touched", json_false()) != 0 ||
		json_object_set_new(journal->document, "outcome", json_null()) != 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	return true;
}

void
restore_journal_done(RestoreJournal *journal)
{
	json_decref(journal->document);
	journal->document = NULL;
}

/* A step's entry in the journal; NULL when it has none. */
static json_t *
find_entry(const json_t *document, RestoreStep step)
{
	const char *name = restore_step_info(step)->name;
	json_t *entry;
	size_t index;

	json_array_foreach(json_object_get(document, "steps"), index, entry)
	{
		const char *other = json_text(entry, "step");

		if (other && strcmp(other, name) == 0)
			return entry;
	}
	return NULL;
}

RestoreStepState
restore_record_state(const RestoreRecord *record, RestoreStep step)
{
	const char *state = json_text(find_entry(record->document, step), "state");

	return state ? restore_step_state_parse(state) : RESTORE_STEP_PENDING;
}

bool
restore_journal_read(RestoreJournal *journal, Cluster *cluster, const RestoreRecord *record,
					 PgbrError *error)
{
	const char *replaces;
	size_t index;
	json_t *json;

	memset(journal, 0, sizeof(*journal));
	journal->cluster = cluster;
	journal->revision = record->revision;
	make_holder(journal);
	memset(journal->reached, true, sizeof(journal->reached));
	if (!restore_plan_read(json_object_get(record->document, "plan"), &journal->plan, error))
		return false;
	journal->document = json_deep_copy(record->document);
	if (journal->document == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	replaces = json_text(journal->document, "replaces");
	pgbr_copy_text(journal->replaces, sizeof(journal->replaces), replaces ? replaces : "");
	for (int i = 0; i < journal->plan.step_count; i++)
		journal->states[journal->plan.steps[i]] =
			restore_record_state(record, journal->plan.steps[i]);
	json_array_foreach(json_object_get(journal->document, "members"), index, json)
	{
		const char *name = json_text(json, "name");

		if (name && !cluster_add(cluster, name, json_text(json, "api_url"),
								 json_text(json, "sidecar_url"), error))
			return false;
	}
	return true;
}

static json_t *
make_body(const RestoreJournal *journal, bool done, bool with_document, int lease)
{
	json_t *body = json_object();

	json_put_text(body, "holder", journal->holder);
	json_object_set_new(body, "lease_seconds", json_integer(lease));
	json_object_set_new(body, "revision", json_integer(journal->revision));
	json_put_text(body, "state", done ? "done" : "active");
	json_put_text(body, "replaces", journal->replaces[0] ? journal->replaces : NULL);
	json_object_set(body, "document", with_document ? journal->document : json_null());
	return body;
}

static bool
put_once(const RestoreJournal *journal, const ClusterMember *member, const json_t *body,
		 PgbrError *error)
{
	char path[64];
	json_t *answer = NULL;
	bool ok;

	snprintf(path, sizeof(path), "/v1/restores/%s", journal->plan.id);
	ok = sidecar_client_call(&member->sidecar, "PUT", path, body, 0, &answer, error);
	json_decref(answer);
	return ok;
}

/* Write to one member, again and again while it does not answer. */
static bool
put(const RestoreJournal *journal, const char *name, const json_t *body, PgbrError *error)
{
	const ClusterMember *member = cluster_find(journal->cluster, name);
	int64_t until = clock_monotonic_ms() + RESTORE_OUTAGE_S * 1000;
	PgbrError reason;

	if (member == NULL || member->sidecar.url[0] == '\0')
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
							  "it is not known where the sidecar of member \"%s\" is", name);
	while (!put_once(journal, member, body, &reason))
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
	return restore_state_touched(&journal->plan, journal->states) ||
		   json_flag(journal->document, "touched_before");
}

bool
restore_journal_serves(const RestoreJournal *journal)
{
	/* a leader that this one has not stopped is not whole for that */
	return restore_state_serves(&journal->plan, journal->states) &&
		   (journal->states[RESTORE_HAND_OVER] == RESTORE_STEP_DONE ||
			!json_flag(journal->document, "touched_before"));
}

bool
restore_journal_stopped_clean(const RestoreJournal *journal)
{
	const json_t *stopped = restore_journal_result(journal, RESTORE_STOP_LEADER);
	const char *state = json_text(json_object_get(stopped, journal->plan.leader), "control_state");

	return state && strcmp(state, "shut down") == 0;
}

bool
restore_journal_undo_restores(const RestoreJournal *journal)
{
	return restore_journal_touched(journal) ||
		   (journal->states[RESTORE_ARCHIVE] != RESTORE_STEP_PENDING &&
			!restore_journal_stopped_clean(journal));
}

bool
restore_journal_is_resumed(const RestoreJournal *journal)
{
	return restore_state_resumed(journal->states[RESTORE_RESUME], journal->cluster->view.paused);
}

uint32_t
restore_journal_archived_timeline(const RestoreJournal *journal)
{
	uint32_t timeline = journal->plan.old_timeline;

	return json_object_get(journal->document, "mark") ||
				   journal->states[RESTORE_ARCHIVE] == RESTORE_STEP_DONE
			   ? timeline
			   : (uint32_t) json_number(journal->document, "archived_timeline", timeline);
}

bool
restore_journal_leave_out(RestoreJournal *journal, const RestoreRequest *more, bool leader_too,
						  PgbrError *error)
{
	if (leader_too && restore_request_is_without(more, journal->plan.leader) &&
		!cluster_is_gone(journal->cluster, journal->plan.leader))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "member \"%s\" is the leader and can't be left out: it answers",
					   journal->plan.leader);
		return pgbr_error_hint(error, "The same command without the option goes on with it.");
	}
	return restore_plan_leave_out(&journal->plan, more, leader_too, error) &&
		   (json_object_set_new(journal->document, "plan", restore_plan_json(&journal->plan)) ==
				0 ||
			pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory"));
}

bool
restore_journal_harmless(const RestoreJournal *journal)
{
	return journal->states[RESTORE_PAUSE] == RESTORE_STEP_PENDING &&
		   !restore_journal_touched(journal) && !json_flag(journal->document, "paused_before");
}

static json_t *
next_body(RestoreJournal *journal, bool done)
{
	if (restore_journal_touched(journal))
		json_object_set_new(journal->document, "touched", json_true());
	/* as long as it is, the sidecars give it up by themselves when nobody goes on with it */
	json_object_set_new(journal->document, "harmless",
						json_boolean(restore_journal_harmless(journal)));
	journal->revision++;
	journal->renewed_ms = clock_monotonic_ms();
	return make_body(journal, done, true, done ? 0 : RESTORE_LEASE_S);
}

bool
restore_journal_write(RestoreJournal *journal, PgbrError *error)
{
	json_t *body = next_body(journal, false);
	bool ok = body || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	/* in the order of names: of two that begin at once, the second meets the first at once */
	for (int i = 0; ok && i < journal->plan.member_count; i++)
	{
		if (journal->plan.members[i].left_out)
			continue;
		ok = put(journal, journal->plan.members[i].name, body, error);
		journal->reached[i] |= ok;
	}
	json_decref(body);
	return ok;
}

bool
restore_journal_finish(RestoreJournal *journal, PgbrError *error)
{
	json_t *body = next_body(journal, true);
	bool taken = false;

	*error = (PgbrError) PGBR_ERROR_INIT;
	for (int i = 0; body && i < journal->plan.member_count; i++)
	{
		if (journal->plan.members[i].left_out)
			continue;
		if (put(journal, journal->plan.members[i].name, body, error))
			taken = true;
		/* who goes on with it ends it, too */
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
	json_t *body = next_body(journal, false);
	bool ok = body != NULL;

	for (int i = 0; body && i < journal->plan.member_count; i++)
	{
		const ClusterMember *member = cluster_find(journal->cluster, journal->plan.members[i].name);

		if (!journal->plan.members[i].left_out && member && member->sidecar.url[0])
			ok &= put_once(journal, member, body, error);
	}
	json_decref(body);
	return ok;
}

void
restore_journal_end(RestoreJournal *journal)
{
	json_t *body = next_body(journal, true);
	PgbrError ignored;

	for (int i = 0; body && i < journal->plan.member_count; i++)
	{
		const ClusterMember *member = cluster_find(journal->cluster, journal->plan.members[i].name);

		if (journal->reached[i] && member)
			(void) put_once(journal, member, body, &ignored);
	}
	json_decref(body);
}

/* A sidecar that has lost its state folder since, or has given the restore up as harmless before it heard of more,
 * gets the journal again with the lease. */
static bool
put_whole(const RestoreJournal *journal, const ClusterMember *member, int seconds, PgbrError *error)
{
	json_t *body = make_body(journal, false, true, seconds);
	bool ok = body && put_once(journal, member, body, error);

	json_decref(body);
	return ok;
}

static bool
put_lease(RestoreJournal *journal, int seconds, PgbrError *error)
{
	json_t *body = make_body(journal, false, false, seconds);
	bool ok = true;

	for (int i = 0; body && ok && i < journal->plan.member_count; i++)
	{
		const ClusterMember *member = cluster_find(journal->cluster, journal->plan.members[i].name);
		PgbrError reason;

		if (journal->plan.members[i].left_out || member == NULL || member->sidecar.url[0] == '\0' ||
			put_once(journal, member, body, &reason) || restore_may_pass(&reason) ||
			((reason.code == PGBR_ERROR_NOT_FOUND || reason.code == PGBR_ERROR_CONFLICT) &&
			 (put_whole(journal, member, seconds, &reason) || restore_may_pass(&reason))))
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
	return put_lease(journal, RESTORE_LEASE_S, error);
}

void
restore_journal_release(RestoreJournal *journal)
{
	PgbrError ignored;

	put_lease(journal, 0, &ignored);
}

json_t *
restore_journal_entry(RestoreJournal *journal, RestoreStep step)
{
	json_t *entry = find_entry(journal->document, step);

	if (entry)
		return entry;
	entry = json_object();
	json_put_text(entry, "step", restore_step_info(step)->name);
	json_object_set_new(entry, "attempt", json_integer(0));
	return json_array_append_new(json_object_get(journal->document, "steps"), entry) == 0 ? entry
																						  : NULL;
}

void
restore_journal_set(RestoreJournal *journal, RestoreStep step, RestoreStepState state,
					const char *message)
{
	json_t *entry = restore_journal_entry(journal, step);
	RestoreStepState before = restore_step_state_parse(json_text(entry, "state"));
	char now[CLOCK_TEXT_SIZE];

	journal->states[step] = state;
	clock_format(clock_now_ms(), now);
	if (state == RESTORE_STEP_STARTED)
	{
		/* one that was left in its midst goes on with the jobs it had asked for */
		if (before != RESTORE_STEP_STARTED)
			json_object_set_new(entry, "attempt",
								json_integer(json_number(entry, "attempt", 0) + 1));
		json_put_text(entry, "started_at", now);
		json_put_text(entry, "finished_at", NULL);
	}
	else if (state != RESTORE_STEP_PENDING)
		json_put_text(entry, "finished_at", now);
	json_put_text(entry, "state", restore_step_state_name(state));
	json_put_text(entry, "message", message);
}

void
restore_journal_put_result(RestoreJournal *journal, RestoreStep step, json_t *result)
{
	json_object_set_new(restore_journal_entry(journal, step), "result", result);
}

const json_t *
restore_journal_result(const RestoreJournal *journal, RestoreStep step)
{
	const json_t *result = json_object_get(find_entry(journal->document, step), "result");

	return json_is_object(result) ? result : NULL;
}
