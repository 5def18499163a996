/*
 * vault.c
 *		See vault.h.
 */
#include "sidecar/compat/vault.h"

#include "common/memory.h"
#include "program/pgbackrest_info.h"
#include "sidecar/compat/compat.h"

#include <stdlib.h>
#include <string.h>

static Vault *
add(VaultList *list)
{
	if (list->count == list->capacity)
	{
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		Vault *grown = memory_resize(list->vaults, capacity * sizeof(*grown));

		if (grown == NULL)
		{
			list->failed = true;
			return NULL;
		}
		list->vaults = grown;
		list->capacity = capacity;
	}
	return &list->vaults[list->count++];
}

void
vault_list_add_job(VaultList *list, const Job *job)
{
	Vault *vault;
	bool final = pgbr_job_state_is_final(job->state);

	/* one that succeeded is in the repository, or was there and has expired; one that was cancelled
	 * is what its owner wanted gone */
	if (job->request.kind != PGBR_JOB_BACKUP || job->state == PGBR_STATE_SUCCEEDED ||
		job->state == PGBR_STATE_CANCELLED || (vault = add(list)) == NULL)
		return;
	*vault = (Vault){.failed = final,
					 .locked = !final,
					 .start = job->started_at ? job->started_at : job->requested_at,
					 .stop = job->finished_at,
					 .exit_code = job->exit_code};
	compat_job_timestamp(job, vault->id);
}

void
vault_list_add_backups(VaultList *list, const json_t *stanza)
{
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		const char *id = info_annotation(&backup, "timestamp");
		Vault *vault = add(list);

		if (vault == NULL)
			return;
		*vault = (Vault){.failed = backup.error,
						 .start = info_time(backup.start) * 1000,
						 .stop = info_time(backup.stop) * 1000,
						 .size = backup.repo_delta > 0 ? backup.repo_delta : 0};
		if (id == NULL)
			id = backup.label;
		pgbr_copy_text(vault->id, sizeof(vault->id), id ? id : "");
	}
}

static int
compare(const void *a, const void *b)
{
	const Vault *left = a;
	const Vault *right = b;

	return left->start == right->start	? strcmp(right->id, left->id)
		   : left->start < right->start ? 1
										: -1;
}

void
vault_list_sort(VaultList *list)
{
	if (list->count)
		qsort(list->vaults, list->count, sizeof(*list->vaults), compare);
}

void
vault_list_done(VaultList *list)
{
	free(list->vaults);
}

const Vault *
vault_find(const VaultList *list, const char *id)
{
	for (size_t i = 0; i < list->count; i++)
	{
		if (strcmp(list->vaults[i].id, id) == 0)
			return &list->vaults[i];
	}
	return NULL;
}

json_t *
vault_json(const Vault *vault)
{
	json_t *metrics = json_object();

	json_object_set_new(metrics, "start_backup_timestamp", json_integer(vault->start));
	if (vault->stop)
	{
		json_object_set_new(metrics, "end_backup_timestamp", json_integer(vault->stop));
		json_object_set_new(metrics, "spent_time", json_integer(vault->stop - vault->start));
		json_object_set_new(metrics, "size", json_integer(vault->size));
		json_object_set_new(metrics, "exit_code",
							vault->exit_code < 0 ? json_null() : json_integer(vault->exit_code));
	}
	return json_pack("{s:s, s:b, s:b, s:I, s:o}", "id", vault->id, "failed", vault->failed,
					 "locked", vault->locked, "ts", (json_int_t) vault->start, "metrics", metrics);
}
