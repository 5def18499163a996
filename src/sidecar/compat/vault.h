/*
 * vault.h
 *		A backup as clients of the backup daemon know it, a "vault": made of backups and of jobs.
 *		Pure.
 */
#ifndef PGBR_SIDECAR_COMPAT_VAULT_H
#define PGBR_SIDECAR_COMPAT_VAULT_H

#include "sidecar/queue/job.h"

#include <jansson.h>
#include <stdint.h>

/* A daemon's backup. */
typedef struct Vault
{
	char id[JOB_ID_SIZE];
	bool failed;
	bool locked;   /* is being made, or waits to be */
	int64_t start; /* ms since 1970 */
	int64_t stop;  /* 0: not yet */
	int64_t size;  /* bytes in the repository; 0 when there are none */
	int exit_code; /* -1: none */
} Vault;

typedef struct VaultList
{
	Vault *vaults; /* newest first */
	size_t count;
	size_t capacity;
	bool failed; /* out of memory */
} VaultList;

/* The backups of a stanza's info document (NULL: none), and the jobs that have none there because
 * they wait, run or failed: first all jobs, then the stanza, then sort. */
extern void vault_list_add_job(VaultList *list, const Job *job);
extern void vault_list_add_backups(VaultList *list, const json_t *stanza);
extern void vault_list_sort(VaultList *list);
extern void vault_list_done(VaultList *list);

/* The newest with this id, or NULL. */
extern const Vault *vault_find(const VaultList *list, const char *id);

/* A vault as the daemon shows it. The caller owns a reference. */
extern json_t *vault_json(const Vault *vault);

#endif
