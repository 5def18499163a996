/*
 * planner.c
 *		See planner.h: the order in which a plan is decided. Each part may refuse.
 */
#include "ctl/plan/planner.h"

#include "ctl/plan/backup_set.h"
#include "ctl/plan/findings.h"
#include "ctl/plan/kept.h"
#include "ctl/plan/preflight.h"
#include "ctl/plan/target.h"
#include "ctl/plan/wal_proof.h"
#include "ctl/plan/way_back.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* What a restore takes besides copying: stopping, starting, taking over. */
#define FIXED_SECONDS 10

/* Replaying a segment of 16 MB takes about this long. */
#define SEGMENT_MS 150

/* An estimate of years is useless. */
#define GUESS_MAX_S 1e8

/* The time in an ID, in ms since 1970; 0 when it is not one of our IDs. */
static int64_t
time_of_id(const char *id)
{
	struct tm utc = {.tm_isdst = 0};
	const char *suffix = strptime(id, "%Y%m%dT%H%M%S-", &utc);

	return suffix && strlen(suffix) == 4
			   ? (int64_t) timegm(&utc) * 1000 + (strtol(suffix, NULL, 16) >> 6)
			   : 0;
}

/* IDs sort by time: of the four digits behind the seconds ten bits are milliseconds and six are
 * random. If this clock is behind the newest restore's, the new ID follows that one. */
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
		strcpy(member->sidecar_url, fact->sidecar_url);
		member->leader = fact == (work->kept ? work->kept : work->leader);
		member->kept = strcmp(fact->name, work->request->keep) == 0;
		member->was_kept = fact->kept_for[0] != '\0';
		member->running = fact->running;
		member->left_out = !member->leader && !is_wanted(work, fact->name);
		member->data_bytes = fact->cluster_bytes;
		member->free_bytes = fact->free_bytes;
		/* a replica that --member does not name goes on as it is; an unreachable one, or one that
		 * is kept, may come back with old data */
		if ((member->left_out || member->kept) && !work->request->replicas_only)
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
		const RestoreStepInfo *info = restore_step_info((RestoreStep) i);
		bool wanted = work->request->replicas_only ? info->in_replicas_only
					  : work->kept				   ? info->in_by_kept
												   : info->in_full;

		if ((i == RESTORE_KEEP_OLD && !work->request->keep_old) ||
			(i == RESTORE_UNDO_POINT && plan->broken_leader))
			wanted = false;
		if (wanted)
			plan->steps[plan->step_count++] = (RestoreStep) i;
	}
}

/* Estimate by the time that the backup took: both read and write all files. A delta restore is
 * faster, so the estimate is rather too high. */
static void
estimate(RestoreWork *work)
{
	RestorePlan *plan = work->plan;
	long long seconds = -1;
	long long best = 0;
	double guess;

	/* an incremental backup copies little: take the speed of the largest full one */
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
	if (work->kept)
		plan->seconds = FIXED_SECONDS;
	else if (seconds >= 0)
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
	strcpy(plan->leader, work->kept ? work->kept->name : work->leader->name);
	if (work->kept)
		strcpy(plan->leading, work->leader->name);
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
	ok = restore_check_cluster(&work) && restore_check_kept(&work);
	if (ok)
		list_members(&work);
	ok = ok && restore_choose_timeline(&work) && restore_check_target(&work) &&
		 restore_choose_set(&work) && restore_prove_wal(&work) && restore_check_undo_point(&work) &&
		 restore_check_space(&work);
	if (ok)
		fill_plan(&work);
	if (ok)
		restore_prove_way_back(&work);
	timeline_path_done(&work.path);
	return ok;
}
