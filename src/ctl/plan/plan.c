/*
 * plan.c
 *		See plan.h: the table of steps, and the order in which a plan is decided. The parts
 *		are in restore_check.c, restore_target.c, restore_set.c and restore_wal.c.
 */
#include "ctl/plan/plan.h"

#include "ctl/print/message.h"
#include "ctl/facts/facts.h"
#include "ctl/plan/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* What a restore takes besides copying: stopping, starting, taking over. */
#define FIXED_SECONDS 10

/* Replaying a segment of 16 MB takes about this long. */
#define SEGMENT_MS 150

/* A guess of more than years says nothing. */
#define GUESS_MAX_S 1e8

#define PART_FULL	  1
#define PART_REPLICAS 2

static const RestoreStepInfo steps[] = {
#define X(id, name, where, touches, part, text) \
	{name,                                      \
	 text,                                      \
	 RESTORE_ON_##where,                        \
	 touches,                                   \
	 ((part) &PART_FULL) != 0,                  \
	 ((part) &PART_REPLICAS) != 0},
	RESTORE_STEPS(X)
#undef X
};

const RestoreStepInfo *
restore_step_info(RestoreStep step)
{
	return &steps[step];
}

bool
restore_step_parse(const char *name, RestoreStep *step)
{
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
	{
		if (strcmp(steps[i].name, name) == 0)
		{
			*step = (RestoreStep) i;
			return true;
		}
	}
	return false;
}

bool
restore_has_name(const char names[][RESTORE_NAME_SIZE], int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool
same_names(const char a[][RESTORE_NAME_SIZE], int a_count, const char b[][RESTORE_NAME_SIZE],
		   int b_count)
{
	int found = 0;

	for (int i = 0; i < a_count; i++)
		found += restore_has_name(b, b_count, a[i]);
	return a_count == b_count && found == a_count;
}

bool
restore_request_equal(const RestoreRequest *a, const RestoreRequest *b)
{
	return recovery_target_equal(&a->target, &b->target) && a->replicas_only == b->replicas_only &&
		   a->keep_old == b->keep_old && a->repo == b->repo && a->undo == b->undo &&
		   same_names(a->without, a->without_count, b->without, b->without_count) &&
		   same_names(a->only, a->only_count, b->only, b->only_count);
}

bool
restore_request_is_without(const RestoreRequest *request, const char *member)
{
	return restore_has_name(request->without, request->without_count, member);
}

bool
restore_request_is_of(const RestoreRequest *request, const char *member)
{
	return restore_has_name(request->only, request->only_count, member);
}

void
restore_request_leave_out(RestoreRequest *request, const RestoreRequest *more)
{
	for (int i = 0; i < more->without_count; i++)
	{
		if (!restore_request_is_without(request, more->without[i]) &&
			request->without_count < RESTORE_MEMBERS_MAX)
			strcpy(request->without[request->without_count++], more->without[i]);
	}
}

bool
restore_request_extends(const RestoreRequest *request, const RestoreRequest *more)
{
	RestoreRequest both = *request;

	restore_request_leave_out(&both, more);
	return both.without_count > request->without_count && restore_request_equal(&both, more);
}

static RestoreMember *
find_member(RestorePlan *plan, const char *name)
{
	for (int i = 0; i < plan->member_count; i++)
	{
		if (strcmp(plan->members[i].name, name) == 0)
			return &plan->members[i];
	}
	return NULL;
}

bool
restore_plan_leave_out(RestorePlan *plan, const RestoreRequest *more, bool leader_too,
					   PgbrError *error)
{
	int left = 0;

	for (int i = 0; i < more->without_count; i++)
	{
		RestoreMember *member = find_member(plan, more->without[i]);

		if (member == NULL)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
								  "restore %s has no member \"%s\"", plan->id, more->without[i]);
		if (member->leader && !leader_too)
		{
			pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
						   "restore %s can't go on without the leader, \"%s\"", plan->id,
						   member->name);
			return pgbr_error_hint(error,
								   "\"" PROGRAM_NAME " undo --without-member=%s\" takes it back.",
								   member->name);
		}
		member->left_out = true;
		/* it may come back with data of before */
		plan->check_timeline |= !plan->request.replicas_only;
	}
	restore_request_leave_out(&plan->request, more);
	for (int i = 0; i < plan->member_count; i++)
		left += !plan->members[i].left_out;
	return left > 0 || pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
									  "no member of restore %s would be left", plan->id);
}

bool
restore_refuse(RestoreWork *work, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	work->refusal->nearest_count = 0;
	return pgbr_error_set(&work->refusal->error, PGBR_ERROR_CONFLICT, "%s", text);
}

static void
add_note(char notes[][RESTORE_NOTE_SIZE], int *count, const char *format, va_list arguments)
{
	char text[RESTORE_NOTE_SIZE * 2];

	if (*count == RESTORE_NOTES_MAX)
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	pgbr_copy_text(notes[(*count)++], RESTORE_NOTE_SIZE, text);
}

void
restore_warn(RestoreWork *work, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_note(work->plan->warnings, &work->plan->warning_count, format, arguments);
	va_end(arguments);
}

void
restore_unproven(RestoreWork *work, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_note(work->plan->unproven, &work->plan->unproven_count, format, arguments);
	va_end(arguments);
}

void
restore_nearest(RestoreWork *work, RecoveryType type, const char *target, const char *set,
				uint32_t timeline, const char *format, ...)
{
	RestoreNearest *nearest;
	va_list arguments;

	if (work->refusal->nearest_count == RESTORE_NEAREST_MAX)
		return;
	nearest = &work->refusal->nearest[work->refusal->nearest_count++];
	memset(nearest, 0, sizeof(*nearest));
	pgbr_copy_text(nearest->type, sizeof(nearest->type), recovery_type_name(type));
	pgbr_copy_text(nearest->target, sizeof(nearest->target), target ? target : "");
	pgbr_copy_text(nearest->set, sizeof(nearest->set), set ? set : "");
	nearest->timeline = timeline;
	va_start(arguments, format);
	vsnprintf(nearest->note, sizeof(nearest->note), format, arguments);
	va_end(arguments);
}

/* The time in an id, in ms since 1970; 0: it is none of ours. */
static int64_t
time_of_id(const char *id)
{
	struct tm utc = {.tm_isdst = 0};
	const char *suffix = strptime(id, "%Y%m%dT%H%M%S-", &utc);

	return suffix && strlen(suffix) == 4
			   ? (int64_t) timegm(&utc) * 1000 + (strtol(suffix, NULL, 16) >> 6)
			   : 0;
}

/* Sorts by time: of the four digits behind the seconds ten bits are the milliseconds, and six are by chance. A clock
 * that is behind the one of the newest restore goes by that one. */
static void
make_id(RestorePlan *plan, const RestoreFacts *facts)
{
	int64_t newest = time_of_id(facts->newest_restore);
	int64_t at = newest < facts->now_ms ? facts->now_ms : newest + 1;
	time_t seconds = (time_t) (at / 1000);
	uint8_t chance = 0;
	struct tm utc;
	size_t length;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = 0;
	gmtime_r(&seconds, &utc);
	length = strftime(plan->id, sizeof(plan->id), "%Y%m%dT%H%M%S", &utc);
	snprintf(plan->id + length, sizeof(plan->id) - length, "-%04x",
			 (unsigned int) (at % 1000 << 6) | (chance & 63));
}

static bool
is_wanted(const RestoreWork *work, const char *name)
{
	const RestoreRequest *request = work->request;

	return (request->only_count == 0 || restore_request_is_of(request, name)) &&
		   !restore_request_is_without(request, name);
}

static void
list_members(RestoreWork *work)
{
	RestorePlan *plan = work->plan;

	plan->member_count = 0;
	for (int i = 0; i < work->facts->member_count; i++)
	{
		const FactMember *fact = &work->facts->members[i];
		RestoreMember *member = &plan->members[plan->member_count++];

		strcpy(member->name, fact->name);
		member->leader = fact == work->leader;
		member->running = fact->running;
		member->left_out = !member->leader && !is_wanted(work, fact->name);
		member->data_bytes = fact->cluster_bytes;
		member->free_bytes = fact->free_bytes;
		/* one that --member leaves alone goes on as a replica; one that is out of reach may come
		 * back with data of before */
		if (member->left_out && !work->request->replicas_only)
			plan->check_timeline = true;
	}
}

static void
list_steps(RestoreWork *work)
{
	RestorePlan *plan = work->plan;

	plan->step_count = 0;
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
	{
		bool wanted = work->request->replicas_only ? steps[i].in_replicas_only : steps[i].in_full;

		if ((i == RESTORE_KEEP_OLD && !work->request->keep_old) ||
			(i == RESTORE_UNDO_POINT && plan->broken_leader))
			wanted = false;
		if (wanted)
			plan->steps[plan->step_count++] = (RestoreStep) i;
	}
}

/* By how long the backup took to be made. Both read and write all files; a delta restore is faster,
 * so this is too much rather than too little. */
static void
estimate(RestoreWork *work)
{
	RestorePlan *plan = work->plan;
	long long seconds = -1;
	long long best = 0;
	double guess;

	/* an incremental backup copies little: the largest of the full ones tells the speed */
	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (backup->prior[0] == '\0' && backup->bytes > best && backup->stop > backup->start)
		{
			best = backup->bytes;
			guess = (double) (backup->stop - backup->start) * (double) work->set->bytes /
					(double) backup->bytes;
			seconds = guess < GUESS_MAX_S ? (long long) guess : -1;
		}
	}
	plan->bytes = work->set->bytes;
	plan->seconds = -1;
	if (seconds >= 0)
		plan->seconds = seconds + FIXED_SECONDS +
						plan->wal_segments * (plan->wal_segment_size >> 20) * SEGMENT_MS / 16000;
}

static void
fill_plan(RestoreWork *work)
{
	RestorePlan *plan = work->plan;

	make_id(plan, work->facts);
	strcpy(plan->scope, work->facts->scope);
	pgbr_copy_text(plan->stanza, sizeof(plan->stanza), work->leader->stanza);
	plan->request = *work->request;
	strcpy(plan->leader, work->leader->name);
	strcpy(plan->set, work->set->label);
	plan->repo = work->set->repo;
	plan->set_stop = work->set->stop;
	list_steps(work);
	estimate(work);
}

bool
restore_plan_make(const RestoreRequest *request, const RestoreFacts *facts, RestorePlan *plan,
				  RestoreRefusal *refusal)
{
	RestoreWork work = {.request = request, .facts = facts, .plan = plan, .refusal = refusal};
	bool ok;

	memset(plan, 0, sizeof(*plan));
	memset(refusal, 0, sizeof(*refusal));
	ok = restore_check_cluster(&work);
	if (ok)
		list_members(&work);
	ok = ok && restore_choose_timeline(&work) && restore_check_target(&work) &&
		 restore_choose_set(&work) && restore_prove_wal(&work) && restore_check_space(&work);
	if (ok)
		fill_plan(&work);
	timeline_path_done(&work.path);
	return ok;
}
