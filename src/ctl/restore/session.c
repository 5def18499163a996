/*
 * session.c
 *		See session.h.
 */
#include "ctl/restore/session.h"

#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/client/interrupt.h"
#include "ctl/facts/archive_view.h"
#include "ctl/plan/way_back.h"
#include "ctl/print/message.h"
#include "ctl/report/plan_show.h"
#include "ctl/restore/inherit.h"
#include "program/clock.h"
#include "program/json.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Within this time the same request counts as a repetition, not as a second restore. */
#define REPEAT_MS 600000

/*
 * Patroni's default ttl, in seconds, and for how many of them to wait for a leader key to expire.
 */
#define TTL_DEFAULT 30
#define TTLS		3
#define KEY_POLL_MS 500

/* The journals also say where the members are: from one member we learn of the others. */
static bool
learn_members(RestoreSession *session, PgbrError *error)
{
	const JournalRecord *active = restore_list_active(&session->list);
	int before = session->cluster.count;

	if (active && !restore_journal_add_members(active->document, &session->cluster, error))
		return false;
	if (session->cluster.count == before)
		return true;
	restore_list_done(&session->list);
	return restore_list_get(&session->list, &session->cluster, error);
}

RestoreSession *
restore_session_open(OutputFormat format, const ClusterArguments *arguments,
					 const ClusterSettings *file, const SidecarSettings *settings, bool force,
					 ExitCode *code, PgbrError *error)
{
	RestoreSession *session = calloc(1, sizeof(*session));
	PgbrError reason = PGBR_ERROR_INIT;

	*code = EXIT_FAILED;
	if (session == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	session->format = format;
	session->force = force;
	restore_events_init(&session->events, stdout, format == OUTPUT_JSON);
	if (cluster_init(&session->cluster, arguments, file, settings, error) &&
		(cluster_refresh(&session->cluster, &reason) || session->cluster.count > 0) &&
		restore_list_get(&session->list, &session->cluster, error) && learn_members(session, error))
	{
		restore_list_settle(&session->list, &session->cluster);
		return session;
	}
	if (reason.code != PGBR_ERROR_NONE && session->cluster.count == 0)
		*error = reason;
	*code = exit_code_of(error);
	restore_session_close(session);
	return NULL;
}

void
restore_session_close(RestoreSession *session)
{
	restore_journal_done(&session->journal);
	restore_list_done(&session->list);
	free(session);
}

/*
 * Find out before anything stops whether Patroni refuses our changes. A member that is away may
 * come back.
 */
static bool
check_access(const RestoreSession *session, PgbrError *error)
{
	for (int i = 0; i < session->cluster.count; i++)
	{
		const ClusterMember *member = session->cluster.members[i];

		if (member->patroni.name[0] && member->api_url[0] &&
			!patroni_check_access(&session->cluster.patroni, member->api_url, error) &&
			error->code == PGBR_ERROR_FORBIDDEN)
			return false;
	}
	return true;
}

bool
restore_session_confirm(const RestoreSession *session, const char *what, PgbrError *error)
{
	const char *name = session->journal.document.plan.scope;
	char line[256];

	if (!check_access(session, error))
		return false;
	if (session->force)
		return true;
	if (!isatty(STDIN_FILENO))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "could not ask for confirmation: standard input is not a terminal");
		return pgbr_error_hint(error, "Give --force to go on without confirmation.");
	}
	fprintf(stderr, "This will %s. Type the cluster's name, \"%s\", to go on: ", what, name);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!interrupt_is_raised() && strcmp(line, name) == 0)
		return true;
	return pgbr_error_set(error, PGBR_ERROR_ABORTED, "not confirmed; nothing was changed");
}

bool
restore_session_is_driven(const JournalRecord *record, PgbrError *error)
{
	if (record->holder_seconds_left <= 0)
		return false;
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS, "restore %s is in progress", record->id);
	pgbr_error_detail(error, "The control binary that runs it holds the lock for %d more s.",
					  record->holder_seconds_left);
	pgbr_error_hint(error, "\"" PROGRAM_NAME " status\" shows its progress.");
	return true;
}

bool
restore_session_needs_other_set(const JournalRecord *record)
{
	return json_object_size(record->document->damaged) > 0 &&
		   !record->document->plan.request.replicas_only &&
		   journal_record_state(record, RESTORE_RESTORE_LEADER) != RESTORE_STEP_DONE;
}

bool
restore_session_is_done(const JournalRecord *record)
{
	const char *result = json_text(record->document->outcome, "result");

	return strcmp(record->state, "done") == 0 && result && strcmp(result, "done") == 0;
}

const JournalRecord *
restore_session_just_done(const RestoreSession *session)
{
	const JournalRecord *newest = session->list.records;
	int64_t ended;

	return session->list.count > 0 && restore_session_is_done(newest) &&
				   clock_parse(newest->updated_at, &ended) && clock_now_ms() - ended <= REPEAT_MS
			   ? newest
			   : NULL;
}

ExitCode
restore_session_tell(RestoreSession *session, const JournalRecord *record)
{
	restore_events_summary(&session->events, record->document->outcome);
	return EXIT_OK;
}

static int
get_ttl(const RestoreSession *session)
{
	long long ttl = TTL_DEFAULT;

	for (int i = 0; i < session->cluster.count; i++)
	{
		const ClusterMember *member = session->cluster.members[i];
		json_t *config = NULL;
		PgbrError ignored;

		if (member->api_url[0] &&
			patroni_get_config(&session->cluster.patroni, member->api_url, &config, &ignored))
		{
			ttl = json_number(config, "ttl", TTL_DEFAULT);
			json_decref(config);
			break;
		}
	}
	return (int) ttl;
}

/*
 * Neither the sidecar nor Patroni of the leader answers, and it still has the leader key. The key
 * expires if its host is gone, and is renewed if only the connection is lost. In a pause Patroni
 * does not stop a server whose key has expired.
 */
static bool
await_key(RestoreSession *session, const RestoreJournal *journal, const RestoreRequest *request,
		  PgbrError *error)
{
	const char *leader = restore_journal_leads(journal);
	bool without = restore_request_is_without(request, leader);
	bool stopped = journal->states[RESTORE_STOP_LEADER] == RESTORE_STEP_DONE &&
				   journal->states[RESTORE_HAND_OVER] == RESTORE_STEP_PENDING;
	int64_t deadline = 0;
	PgbrError ignored;

	while (without && cluster_refresh(&session->cluster, &ignored) &&
		   cluster_is_leading(&session->cluster, leader) &&
		   cluster_is_silent(&session->cluster, leader))
	{
		if (deadline == 0)
		{
			int limit = TTLS * get_ttl(session);

			restore_events_note(&session->events,
								"member %s does not answer; waiting for up to %d s for its leader "
								"key to expire",
								leader, limit);
			deadline = clock_monotonic_ms() + (int64_t) limit * 1000;
		}
		if (clock_monotonic_ms() >= deadline)
		{
			pgbr_error_set(error, PGBR_ERROR_CONFLICT,
						   "member \"%s\" does not answer, but renews the leader key", leader);
			return pgbr_error_hint(error, "It is running, and two members would take writes. "
										  "Stop it, or restore the connection to its host.");
		}
		poll(NULL, 0, KEY_POLL_MS);
	}
	if (without && !stopped && !session->warned && cluster_is_silent(&session->cluster, leader))
	{
		restore_events_note(
			&session->events,
			"make sure that the host of member %s is down: its PostgreSQL was not stopped, and "
			"two members would take writes",
			leader);
		session->warned = true;
	}
	return true;
}

static bool
get_archive(RestoreSession *session, const RestoreRequest *request, json_t **archive,
			PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_UNREACHABLE, "no sidecar could list the WAL archive");
	for (int i = 0; i < session->cluster.count; i++)
	{
		const ClusterMember *member = session->cluster.members[i];

		if (member->sidecar.url[0] && !restore_request_is_without(request, member->name) &&
			sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_ARCHIVE, NULL, ARCHIVE_WAIT_S,
								archive, error))
			return true;
	}
	return false;
}

/* The leader may have continued to archive after the control binary that waited for it was gone. */
static bool
session_revise(RestoreSession *session, RestoreJournal *journal, const RestoreRequest *request,
			   PgbrError *error)
{
	const RestorePlan *plan = &journal->document.plan;
	uint32_t recovered = journal_document_new_timeline(&journal->document);
	bool opened = journal->states[RESTORE_HAND_OVER] != RESTORE_STEP_PENDING &&
				  journal->states[RESTORE_HISTORY_ARCHIVED] != RESTORE_STEP_DONE && recovered > 0;
	bool inherited = restore_journal_archived_timeline(journal) != plan->old_timeline;
	uint32_t timeline = opened ? recovered : plan->old_timeline;
	json_t *archive = NULL;
	bool found;
	bool ok;

	if (!opened && !inherited)
		return true;
	if (!get_archive(session, request, &archive, error))
		return false;
	found = archive_has_timeline(archive, timeline, plan->wal_segment_size);
	ok = found || archive_is_whole(archive, error);
	json_decref(archive);
	if (found && opened)
		journal->states[RESTORE_HAND_OVER] = journal->states[RESTORE_HISTORY_ARCHIVED] =
			RESTORE_STEP_DONE;
	else if (found)
		journal->document.archived_timeline = 0;
	return ok;
}

bool
restore_session_read(RestoreSession *session, const JournalRecord *record,
					 const RestoreRequest *request, RestoreJournal *journal, PgbrError *error)
{
	if (!restore_journal_read(journal, &session->cluster, record, error))
		return false;
	return !restore_request_is_without(request, restore_journal_leads(journal)) ||
		   (!restore_session_is_driven(record, error) &&
			await_key(session, journal, request, error) &&
			session_revise(session, journal, request, error));
}

ExitCode
restore_session_resume(RestoreSession *session, const JournalRecord *record,
					   const RestoreRequest *request, PgbrError *error)
{
	if (!restore_journal_read(&session->journal, &session->cluster, record, error) ||
		!await_key(session, &session->journal, request, error) ||
		!restore_journal_leave_out(&session->journal, request,
								   restore_journal_is_resumed(&session->journal), error) ||
		!restore_session_confirm(session, "continue the restore that was begun", error))
		return exit_code_of(error);
	if (session->no_way_back)
		session->journal.document.plan.way_back.days = 0;
	restore_run_take_signals(&session->cluster);
	if (!session->events.json)
		restore_events_note(&session->events, "continuing restore %s", record->id);
	if (!restore_run_take_over(&session->journal, &session->events, error))
		return exit_code_of(error);
	session->journal.accept_invalid = session->accept_invalid;
	return restore_run(&session->cluster, &session->journal, &session->events, error);
}

static ExitCode
session_refuse(RestoreSession *session, const RestoreRefusal *refusal, PgbrError *error)
{
	if (refusal->error.code == PGBR_ERROR_NONE || !session->events.json)
		return restore_show_refusal(session->format, refusal, error);
	*error = refusal->error;
	restore_events_refusal(&session->events, refusal);
	return error->code == PGBR_ERROR_CONFLICT ? EXIT_PLAN_REFUSED : exit_code_of(error);
}

/* Where an undo point is; 0 when there is none. */
static uint64_t
mark_lsn(const json_t *mark)
{
	const char *text = json_text(mark, "lsn");
	uint64_t lsn;

	return text && recovery_lsn_parse(text, &lsn) ? lsn : 0;
}

ExitCode
restore_session_begin(RestoreSession *session, const RestoreRequest *request,
					  RestoreVerifying verifying, const JournalRecord *active,
					  const JournalRecord *undone, PgbrError *error)
{
	DecideOptions how = {.verifying = verifying,
						 .retry = active != NULL,
						 .newest = session->list.count > 0 ? session->list.records[0].id : NULL,
						 .tell = restore_show_progress};
	RestoreRefusal refusal = {.nearest_count = 0};
	RestoreJournal before = {.cluster = NULL};
	RestoreRequest adjusted = *request;
	bool whole = false;
	bool decided;
	RestorePlan plan;

	if (active)
	{
		if (!restore_session_read(session, active, request, &before, error))
			return exit_code_of(error);
		if (restore_request_extends(&before.document.plan.request, request))
			how.timeline_followed = before.document.plan.target_timeline;
		whole = restore_is_leader_whole(&session->cluster, &before, request);
		if (undone == active && restore_request_is_without(request, restore_journal_leads(&before)))
			adjusted.target.timeline = restore_journal_archived_timeline(&before);
		how.before = &before.document.plan;
		how.led_before = restore_journal_leads(&before);
		how.timeline_before = restore_is_torn(&before) ? restore_last_timeline(&before, whole) : 0;
	}
	if (undone)
	{
		how.undone_keep = undone->document->plan.request.keep;
		how.undo_lsn = mark_lsn(undone->document->mark);
	}
	decided = restore_decide(&session->cluster, &adjusted, &how, &plan, &refusal, error);
	if (decided)
		restore_journal_begin(&session->journal, &session->cluster, &plan);
	if (decided && active)
		restore_inherit(&session->journal, &before, whole);
	if (decided && active && !whole &&
		restore_request_is_without(request, restore_journal_leads(&before)) &&
		(before.states[RESTORE_HAND_OVER] != RESTORE_STEP_PENDING ||
		 restore_journal_archived_timeline(&before) != before.document.plan.old_timeline))
		restore_events_note(
			&session->events,
			"member %s may have started on a timeline that no other member knows, and the new "
			"timeline may get the same number: empty its data directory before Patroni starts "
			"there again",
			restore_journal_leads(&before));
	restore_journal_done(&before);
	if (!decided)
		return session_refuse(session, &refusal, error);
	if (undone)
	{
		strcpy(session->journal.document.undo_of, undone->id);
		session->journal.document.target_mark = json_incref(undone->document->mark);
	}
	if (!session->events.json && !restore_show_plan(session->format, &plan, error))
		return exit_code_of(error);
	if (restore_plan_lacks_way_back(&plan) && !session->no_way_back)
	{
		way_back_refuse(&plan, &refusal);
		return session_refuse(session, &refusal, error);
	}
	if (!restore_session_confirm(session,
								 plan.request.replicas_only ? "replace the data of these replicas"
															: "replace the data of every member",
								 error))
		return exit_code_of(error);
	restore_run_take_signals(&session->cluster);
	session->journal.accept_invalid = session->accept_invalid;
	return restore_run(&session->cluster, &session->journal, &session->events, error);
}
