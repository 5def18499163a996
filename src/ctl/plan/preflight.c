/*
 * preflight.c
 *		The preflight of a plan: whether this cluster can be restored at all, whatever the target.
 */
#include "ctl/plan/preflight.h"

#include "ctl/facts/same_server.h"
#include "ctl/plan/preflight_files.h"
#include "ctl/print/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A larger clock difference is reported. */
#define CLOCK_SLACK_MS 5000

/* What a restore needs beside the files: recovery's own WAL, and the history. */
#define SPACE_RESERVE (INT64_C(64) << 20)

/* Names in the request must be members: because of a typo the wrong member could take part. */
static bool
check_names(RestoreWork *work)
{
	const RestoreRequest *request = work->request;

	for (int i = 0; i < request->without_count + request->only_count; i++)
	{
		const char *name = i < request->without_count ? request->without[i]
													  : request->only[i - request->without_count];

		if (restore_facts_member(work->facts, name) == NULL)
		{
			restore_refuse(work, "there is no member \"%s\" in cluster \"%s\"", name,
						   work->facts->scope);
			return pgbr_error_hint(&work->refusal->error, "\"patronictl list\" shows the members.");
		}
	}
	if (request->replicas_only &&
		(request->target.type != RECOVERY_DEFAULT || request->target.timeline != 0))
	{
		restore_refuse(work, "--replicas-only takes no target");
		pgbr_error_hint(&work->refusal->error,
						"Replicas follow the leader: omit --type and --target.");
		work->refusal->error.code = PGBR_ERROR_INVALID_VALUE;
		return false;
	}
	return true;
}

/* If Patroni has no leader, restore the member with the newest data. */
static const FactMember *
find_leader(const RestoreWork *work)
{
	const FactMember *found = NULL;

	if (work->facts->leader[0])
		return restore_facts_member(work->facts, work->facts->leader);
	for (int i = 0; i < work->facts->member_count; i++)
	{
		const FactMember *member = &work->facts->members[i];

		if (member->error[0] || restore_request_is_without(work->request, member->name))
			continue;
		if (found == NULL || member->timeline > found->timeline ||
			(member->timeline == found->timeline && member->lsn > found->lsn))
			found = member;
	}
	return found;
}

static bool
check_patroni(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;

	if (facts->scheduled_switchover)
	{
		restore_refuse(work, "a switchover is scheduled in cluster \"%s\"", facts->scope);
		return pgbr_error_hint(&work->refusal->error, "Cancel it: patronictl flush %s switchover.",
							   facts->scope);
	}
	if (facts->paused && !facts->undo_retry)
	{
		restore_refuse(work, "cluster \"%s\" is paused", facts->scope);
		return pgbr_error_hint(
			&work->refusal->error,
			"Someone may be doing maintenance there. If not: patronictl resume %s.", facts->scope);
	}
	for (int i = 0; i < facts->member_count; i++)
	{
		if (strcmp(facts->members[i].role, "standby_leader") == 0)
			return restore_refuse(
				work, "cluster \"%s\" is a standby cluster, which can't be restored", facts->scope);
	}
	return true;
}

/* Replicas are rebuilt while the leader and the others serve. */
static bool
is_to_stop(const RestoreWork *work, const FactMember *member)
{
	const RestoreRequest *request = work->request;

	return !request->replicas_only ||
		   (member != work->leader &&
			(request->only_count == 0 || restore_request_is_of(request, member->name)));
}

static bool
check_member(RestoreWork *work, const FactMember *member)
{
	PgbrError *error = &work->refusal->error;

	if (member->error[0])
	{
		restore_refuse(work, "the sidecar of member \"%s\" can't be asked: %s", member->name,
					   member->error);
		return pgbr_error_hint(
			error,
			"Start it there, or give its address with --sidecar=%s=URL. If the member is gone, "
			"--without-member=%s restores without it; rebuild it afterwards.",
			member->name, member->name);
	}
	if (member->mismatch[0])
	{
		restore_refuse(work, "the sidecar asked for member \"%s\" serves another PostgreSQL",
					   member->name);
		pgbr_error_detail(error, "%s answers. %s", member->sidecar_url, member->mismatch);
		return pgbr_error_hint(error, "Name the right one: --sidecar=%s=URL.", member->name);
	}
	if (member->unseen && is_to_stop(work, member))
	{
		restore_refuse(work,
					   "the process of PostgreSQL on member \"%s\" is not seen by its sidecar",
					   member->name);
		return pgbr_error_hint(error, "If they run in separate containers, let these share the "
									  "process namespace and the user.");
	}
	if (member->read_only && is_to_stop(work, member))
	{
		restore_refuse(work, "the data directory of member \"%s\" is read-only for its sidecar",
					   member->name);
		return pgbr_error_hint(error,
							   "Where systemd runs the sidecar: \"systemctl edit "
							   "pgbackrest_sidecar\", add ReadWritePaths=%s below [Service], and "
							   "restart it.",
							   member->data_directory[0] ? member->data_directory : "FOLDER");
	}
	/* a data directory that a restore has left half-way can't be read; the next one mends that */
	if (member->failed_check[0] && is_to_stop(work, member) &&
		!(work->facts->undo_retry && strcmp(member->failed_check, "recovery") == 0))
	{
		restore_refuse(work, "a restore would fail on member \"%s\": %s", member->name,
					   member->failed_reason);
		pgbr_error_detail(error, "The sidecar's check \"%s\" fails.", member->failed_check);
		return pgbr_error_hint(error, "%s", member->failed_cure);
	}
	if (member->restore[0] && !work->facts->undo_retry)
	{
		restore_refuse(work, "restore %s is active on member \"%s\"", member->restore,
					   member->name);
		return pgbr_error_hint(error, "\"pgbackrest_ctl status\" tells where it stands.");
	}
	if (work->facts->system_identifier[0] && member->system_identifier[0] &&
		strcmp(member->system_identifier, work->facts->system_identifier) != 0)
	{
		restore_refuse(work, "member \"%s\" is not of this cluster", member->name);
		return pgbr_error_detail(error, "Its system identifier is %s, that of the cluster is %s.",
								 member->system_identifier, work->facts->system_identifier);
	}
	if (strcmp(member->stanza, work->leader->stanza) != 0)
	{
		restore_refuse(work, "members have different stanzas");
		return pgbr_error_detail(error, "The sidecar of \"%s\" has \"%s\", that of \"%s\" \"%s\".",
								 member->name, member->stanza, work->leader->name,
								 work->leader->stanza);
	}
	if (strcmp(member->pgbackrest_version, work->leader->pgbackrest_version) != 0)
	{
		restore_refuse(work, "members have different versions of pgbackrest");
		pgbr_error_detail(error, "\"%s\" has %s, \"%s\" has %s.", member->name,
						  member->pgbackrest_version, work->leader->name,
						  work->leader->pgbackrest_version);
		return pgbr_error_hint(error, "Install the same on all.");
	}
	return true;
}

static SidecarIdentity
identity_of(const FactMember *member)
{
	return (SidecarIdentity){member->identity, member->data_directory_id};
}

/* A sidecar that serves two members would have the files of one overwritten twice, and those of the
 * other, which runs, not at all. */
static bool
check_own_sidecar(RestoreWork *work, const FactMember *member)
{
	for (const FactMember *other = work->facts->members; other < member; other++)
	{
		const char *shared = same_sidecar(identity_of(member), identity_of(other));

		if (shared == NULL || restore_request_is_without(work->request, other->name))
			continue;
		restore_refuse(work, "members \"%s\" and \"%s\" have the same %s", other->name,
					   member->name, shared);
		pgbr_error_detail(&work->refusal->error, "%s and %s answer for data directory \"%s\".",
						  other->sidecar_url, member->sidecar_url, member->data_directory);
		return pgbr_error_hint(
			&work->refusal->error,
			"Name the sidecar of each: --sidecar=%s=URL --sidecar=%s=URL. Without it the sidecar "
			"is asked on the host of the member's REST API, at port 8430: on a host with two "
			"members each sidecar needs a port of its own.",
			other->name, member->name);
	}
	return true;
}

/* First of all, for such a sidecar differs from Patroni of one of the two as well. */
static bool
check_own_sidecars(RestoreWork *work)
{
	for (int i = 0; i < work->facts->member_count; i++)
	{
		const FactMember *member = &work->facts->members[i];

		if (!restore_request_is_without(work->request, member->name) &&
			!check_own_sidecar(work, member))
			return false;
	}
	return true;
}

/* Patroni must list a member: a name that is misspelt would be restored as well. While a restore
 * goes on its journal knows the members, and Patroni of one may be down. */
static bool
check_listed(RestoreWork *work, const FactMember *member)
{
	if (!member->unlisted || work->facts->undo_retry)
		return true;
	restore_refuse(work, "Patroni lists no member \"%s\" in cluster \"%s\"", member->name,
				   work->facts->scope);
	pgbr_error_detail(&work->refusal->error, "%s answers for it.", member->sidecar_url);
	return pgbr_error_hint(
		&work->refusal->error,
		"Correct the name in --sidecar or in the configuration file, or start Patroni of the "
		"member. --without-member=%s restores without it; rebuild it afterwards.",
		member->name);
}

/* Warn of what would stop a hot standby, and of other facts about a member. */
static void
warn_of_member(RestoreWork *work, const FactMember *member)
{
	static const char *const names[] = {
#define X(name) #name,
		FACT_SETTINGS(X)
#undef X
	};
	int64_t ahead = member->time_ms - member->asked_ms;

	for (int i = 0; i < FACT_SETTING_COUNT; i++)
	{
		if (member->settings[i] >= 0 && member->settings[i] < work->leader->control[i])
			restore_warn(work,
						 "%s is %d on member \"%s\", but the WAL needs at least %d on a hot "
						 "standby: replay would stop there.",
						 names[i], member->settings[i], member->name, work->leader->control[i]);
	}
	if (member->uncompared)
		restore_unproven(work,
						 "That the sidecar asked for member \"%s\" is its own: Patroni there does "
						 "not answer.",
						 member->name);
	if (member->identity[0] == '\0')
		restore_unproven(work,
						 "That member \"%s\" has a sidecar of its own: it does not tell its "
						 "identity.",
						 member->name);
	if (member->running_job[0])
		restore_warn(work, "Job %s runs on member \"%s\": the restore waits for its end.",
					 member->running_job, member->name);
	if (member->tablespaces > 0 && member == work->leader)
		restore_warn(work,
					 "There are %d tablespaces: their directories must be writable at the same "
					 "path on every member.",
					 member->tablespaces);
	if (member->time_ms != 0 && (ahead > CLOCK_SLACK_MS || ahead < -CLOCK_SLACK_MS))
		restore_warn(work, "The clock of member \"%s\" is %" PRId64 " s %s that of this machine.",
					 member->name, (ahead < 0 ? -ahead : ahead) / 1000,
					 ahead < 0 ? "behind" : "ahead of");
}

static bool
check_leader(RestoreWork *work)
{
	const FactMember *leader = work->leader;

	if (leader->postgres_bin[0] == '\0')
	{
		restore_refuse(work, "the folder of PostgreSQL's programs on member \"%s\" is not known",
					   leader->name);
		return pgbr_error_hint(&work->refusal->error,
							   "The sidecar finds it through a running server, or by its option "
							   "--pg-bin. In a pod its image needs PostgreSQL's programs.");
	}
	if (work->facts->archive.segment_size == 0 || leader->timeline == 0)
	{
		restore_refuse(work, "the timeline of member \"%s\" is not known", leader->name);
		return pgbr_error_hint(&work->refusal->error,
							   "Its sidecar can read neither the server nor its control data.");
	}
	if (!leader->running || work->facts->leader[0] == '\0')
	{
		work->plan->broken_leader = true;
		restore_warn(
			work,
			"PostgreSQL on member \"%s\" does not run as a leader, so no undo point can be made. "
			"Its unarchived WAL is saved, and undo returns to the end of that WAL.",
			leader->name);
	}
	return true;
}

/* The repository must hold this cluster: its newest entry, in every repository. */
static bool
check_repository(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;
	const char *identifier =
		facts->system_identifier[0] ? facts->system_identifier : work->leader->system_identifier;
	const FactDatabase *newest = NULL;

	for (size_t i = 0; i < facts->database_count; i++)
	{
		if (newest == NULL || facts->databases[i].id > newest->id)
			newest = &facts->databases[i];
	}
	if (newest == NULL || facts->backup_count == 0)
	{
		restore_refuse(work, "there is no backup of stanza \"%s\"", work->leader->stanza);
		if (facts->repo_errors[0])
			pgbr_error_detail(&work->refusal->error, "The repository: %s.", facts->repo_errors);
		return pgbr_error_hint(&work->refusal->error, "\"pgbackrest_ctl info\" tells more.");
	}
	if (identifier[0] && strcmp(newest->system_identifier, identifier) != 0)
	{
		restore_refuse(work, "the repository of stanza \"%s\" belongs to another cluster",
					   work->leader->stanza);
		return pgbr_error_detail(&work->refusal->error,
								 "Its system identifier is %s, that of cluster \"%s\" is %s.",
								 newest->system_identifier, facts->scope, identifier);
	}
	/* "15" against "15.9 (Debian 15.9-0+deb12u1)" */
	if (work->leader->postgres_version[0] &&
		atoi(newest->version) != atoi(work->leader->postgres_version))
	{
		restore_refuse(work, "the backups are of PostgreSQL %s, member \"%s\" has %s",
					   newest->version, work->leader->name, work->leader->postgres_version);
		return false;
	}
	if (facts->repo_errors[0])
		restore_unproven(work, "What is in the repositories that can't be read: %s.",
						 facts->repo_errors);
	return true;
}

/* What no backup has. Whether there are unlogged tables is known only in each database. */
static void
warn_of_losses(RestoreWork *work)
{
	int slots = work->leader->logical_slots;

	if (slots > 0)
		restore_warn(work,
					 "Logical replication slots are not in a backup: the %d on member \"%s\" are "
					 "lost.",
					 slots, work->leader->name);
	else if (slots < 0)
		restore_unproven(work,
						 "That member \"%s\" has no logical replication slot: a backup has none, "
						 "so any would be lost.",
						 work->leader->name);
	restore_warn(work, "Unlogged tables are empty afterwards: a backup does not have their rows.");
	/* one that this restore needs refuses it */
	if (work->facts->damaged_wal[0])
		restore_warn(
			work,
			"WAL segment %s is damaged in the repository: nothing is restored past it from "
			"an earlier backup, nor by undo.",
			work->facts->damaged_wal);
}

bool
restore_check_cluster(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;

	if (!check_names(work) || !check_patroni(work))
		return false;
	work->leader = find_leader(work);
	if (work->leader == NULL)
		return restore_refuse(work, "no member of cluster \"%s\" answers", facts->scope);
	if (restore_request_is_without(work->request, work->leader->name))
		return restore_refuse(work, "member \"%s\" is the leader and can't be left out",
							  work->leader->name);
	if (restore_request_is_of(work->request, work->leader->name))
		return restore_refuse(work, "member \"%s\" is the leader, not a replica",
							  work->leader->name);
	if (!check_own_sidecars(work))
		return false;
	for (int i = 0; i < facts->member_count; i++)
	{
		const FactMember *member = &facts->members[i];

		if (!restore_request_is_without(work->request, member->name))
		{
			if (!check_member(work, member) || !check_listed(work, member) ||
				(is_to_stop(work, member) && !restore_check_files(work, member)))
				return false;
			warn_of_member(work, member);
			continue;
		}
		restore_warn(work,
					 "Member \"%s\" is left out: it must not come back with its old data by "
					 "itself. check_timeline is set, so that it can't become the leader; then "
					 "\"pgbackrest_ctl restore --replicas-only --member=%s\" rebuilds it.",
					 member->name, member->name);
	}
	if (!work->request->replicas_only)
		warn_of_losses(work);
	if (work->request->replicas_only && (!work->leader->running || facts->leader[0] == '\0'))
		return restore_refuse(work, "there is no leader that replicas could follow");
	return check_leader(work) && check_repository(work);
}

static bool
check_member_space(RestoreWork *work, const FactMember *member, bool keeps_old)
{
	long long now = member->cluster_bytes;
	long long need = work->set->bytes + SPACE_RESERVE;
	char text[2][UNIT_TEXT];

	if (member->free_bytes < 0 || now < 0)
	{
		restore_unproven(work, "That member \"%s\" has enough space.", member->name);
		return true;
	}
	if (keeps_old && member->is_mount)
		restore_unproven(work,
						 "That there is space for a copy of the data directory of \"%s\": it is a "
						 "mount point, and the copy lies outside.",
						 member->name);
	/* delta overwrites the existing files; --keep-old needs the whole size once more */
	if (!keeps_old || member->is_mount)
		need -= now;
	if (need <= member->free_bytes)
		return true;
	restore_refuse(work, "member \"%s\" has not enough space: %s more are needed, %s are free",
				   member->name, unit_size(text[0], UNIT_TEXT, need),
				   unit_size(text[1], UNIT_TEXT, member->free_bytes));
	if (keeps_old)
		pgbr_error_hint(&work->refusal->error,
						"Without --keep-old the old files are written over.");
	return false;
}

bool
restore_check_space(RestoreWork *work)
{
	for (int i = 0; i < work->facts->member_count; i++)
	{
		const FactMember *member = &work->facts->members[i];
		bool is_leader = member == work->leader;

		if (work->plan->members[i].left_out || (is_leader && work->request->replicas_only))
			continue;
		if (!check_member_space(work, member, is_leader && work->request->keep_old))
			return false;
	}
	return true;
}
