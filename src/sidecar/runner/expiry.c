/*
 * expiry.c
 *		See expiry.h.
 *
 * pgbackrest expires WAL in each of its runs, by the number of backups that are left. Backups that
 * only a pin keeps would spoil its count, and by time it does nothing at all when no full backup
 * goes. So the runs that remove backups are told to leave the WAL alone, and a last one removes it
 * by a count that was made without the pins.
 */
#include "sidecar/runner/expiry.h"

#include "common/visible.h"
#include "program/pgbackrest_info.h"
#include "program/retention_words.h"
#include "sidecar/pgbackrest/retention_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
note_backup(const RetentionHistory *history, int index, StrBuf *notes)
{
	const RetentionBackup *backup = &history->backups[index];
	char kept[RETENTION_WORDS_SIZE];

	if (!backup->would_go)
		return;
	retention_kept_words(history, index, kept);
	if (backup->goes)
		strbuf_printf(notes, "repo%d: backup %s is to go\n", backup->repo, backup->label);
	else
		strbuf_printf(notes, "repo%d: backup %s stays, or it would go: %s\n", backup->repo,
					  backup->label, kept);
}

static void
note_wal(const RetentionHistory *history, const RetentionWal *wal, StrBuf *notes)
{
	if (wal->expires && wal->archive_id)
		strbuf_printf(notes,
					  "repo%d: of the WAL before %s of %s only what backups need to be consistent "
					  "stays\n",
					  wal->repo, history->backups[wal->from].wal_start, wal->archive_id);
}

static bool
add_step(Expiry *expiry, const ExpireStep *step)
{
	ExpireStep *grown =
		realloc(expiry->steps, (size_t) (expiry->count + 1) * sizeof(expiry->steps[0]));

	if (grown == NULL)
		return false;
	expiry->steps = grown;
	grown[expiry->count++] = *step;
	return true;
}

/* The backups that go and whose prior stays: the others go with theirs. */
static bool
add_backups(const RetentionHistory *history, int repo, Expiry *expiry)
{
	for (int i = 0; i < history->count; i++)
	{
		const RetentionBackup *backup = &history->backups[i];
		ExpireStep step = {.repo = repo, .archive = RETENTION_MAX};

		if (backup->repo != repo || !backup->goes ||
			(backup->prior >= 0 && history->backups[backup->prior].goes))
			continue;
		/* what else the document may hold does not reach a command line */
		if (!pgbr_is_backup_label(backup->label))
			continue;
		strcpy(step.label, backup->label);
		step.archive_type = PGBR_BACKUP_FULL;
		if (!add_step(expiry, &step))
			return false;
	}
	return true;
}

/* The steps of a repository and the words about it. */
static bool
plan_repository(const RetentionState *state, const RetentionSettings *settings, Expiry *expiry)
{
	const RetentionHistory *history = &state->history;
	ExpireStep wal = {
		.repo = settings->repo,
		.archive = retention_archive_count(history, settings),
		.archive_type = settings->archive_type,
	};
	bool has_backups = false;

	for (int i = 0; i < history->count; i++)
	{
		if (history->backups[i].repo != settings->repo)
			continue;
		has_backups = true;
		note_backup(history, i, &expiry->notes);
	}
	for (int i = 0; i < history->wal_count; i++)
	{
		if (history->wals[i].repo == settings->repo)
			note_wal(history, &history->wals[i], &expiry->notes);
	}
	return !has_backups || (add_backups(history, settings->repo, expiry) && add_step(expiry, &wal));
}

/* pgbackrest info leaves out what it could not read, and exits with 0. */
static void
find_unread(const json_t *stanza, int wanted, Expiry *expiry)
{
	InfoRepo repo;

	for (size_t i = 0; !expiry->unread && info_repo_at(stanza, i, &repo); i++)
	{
		char text[256];

		if (pgbackrest_repo_is_readable(&repo) || (wanted && wanted != repo.key))
			continue;
		pgbackrest_status_text(&repo.status, text, sizeof(text));
		snprintf(expiry->reason, sizeof(expiry->reason), "could not look into repository %d: %s",
				 (int) repo.key, text);
		expiry->unread = true;
	}
}

bool
expiry_plan(const SidecarConfig *config, const json_t *document, int repo, Expiry *expiry,
			PgbrError *error)
{
	RetentionState state;
	bool done = true;

	*expiry = (Expiry){0};
	strbuf_init(&expiry->notes);
	if (!retention_state_read(config, document, &state, error))
		return false;
	for (int i = 0; done && i < state.settings.count; i++)
	{
		if (repo == 0 || repo == state.settings.repos[i].repo)
			done = plan_repository(&state, &state.settings.repos[i], expiry);
	}
	retention_done(&state.history);
	find_unread(info_find_stanza(document, config->stanza), repo, expiry);
	return (done && !expiry->notes.failed) ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

void
expiry_done(Expiry *expiry)
{
	free(expiry->steps);
	strbuf_done(&expiry->notes);
	expiry->steps = NULL;
	expiry->count = 0;
}

/* Why a backup may not be removed: itself, or one that depends on it, is the holder. */
static void
tell_kept(const char *label, const RetentionBackup *holder, PgbrError *error)
{
	if (holder->pin)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT, "backup %s is kept: %s is pinned", label,
					   holder->label);
		pgbr_error_hint(error, "Unpin it first: pgbackrest_ctl unpin %s", holder->label);
		return;
	}
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "backup %s is kept: undo of a restore starts from %s", label, holder->label);
	pgbr_error_detail(error, "It is the way back of restore %s.", holder->way_back);
	pgbr_error_hint(error, "\"pgbackrest_ctl restore --accept\" gives the undo up.");
}

bool
expiry_check_set(const SidecarConfig *config, const json_t *document, const JobRequest *request,
				 PgbrError *error)
{
	RetentionState state;
	bool free_to_go = true;

	if (!retention_state_read(config, document, &state, error))
		return false;
	for (int i = 0; free_to_go && i < state.history.count; i++)
	{
		const RetentionBackup *backup = &state.history.backups[i];
		const RetentionBackup *holder = backup;

		if (strcmp(backup->label, request->set) != 0 ||
			(request->repo && request->repo != backup->repo) ||
			(backup->rule != RETENTION_PINNED && backup->rule != RETENTION_WAY_BACK_OF &&
			 backup->rule != RETENTION_HOLDS_PIN))
			continue;
		free_to_go = false;
		if (backup->rule == RETENTION_HOLDS_PIN)
			holder = &state.history.backups[backup->holder];
		tell_kept(request->set, holder, error);
	}
	retention_done(&state.history);
	return free_to_go;
}

bool
expiry_is_automatic(const SidecarConfig *config)
{
	RetentionConfig settings;
	PgbrError error;

	return !retention_settings_read(config->pgbackrest_config, config->stanza, &settings, &error) ||
		   settings.expire_auto;
}
