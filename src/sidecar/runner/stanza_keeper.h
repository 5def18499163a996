/*
 * stanza_keeper.h
 *		Creates a missing stanza once PostgreSQL answers. A repository that holds this database
 *		cluster under another stanza keeps it from that. A thread of its own that ends as soon as
 *		the stanza is usable.
 */
#ifndef PGBR_SIDECAR_RUNNER_STANZA_KEEPER_H
#define PGBR_SIDECAR_RUNNER_STANZA_KEEPER_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/postgres/member.h"

typedef enum StanzaStep
{
	STANZA_READY,
	STANZA_CREATE, /* ask for a stanza-create */
	STANZA_WAIT,   /* look again later; the reason says for what */
} StanzaStep;

/* Of a job its error, message and hint, and a few words. */
#define STANZA_REASON_SIZE 1700

/*
 * Decide from what is known; pure. name is our stanza; other is another one that holds this
 * database cluster, or "": a stanza beside it is created only by hand. reason is a sentence part
 * for readyz, of size bytes.
 */
extern StanzaStep stanza_decide(const Node *node, const InfoSnapshot *info, const char *name,
								const char *other, char *reason, size_t size);

/* The same on the repository's host, which has no PostgreSQL: pgbackrest finds the primary. */
extern StanzaStep stanza_decide_repository(const InfoSnapshot *info, char *reason, size_t size);

/* Whether the decision needs to know of another stanza: ours is in no repository. */
extern bool stanza_is_absent(const Node *node, const InfoSnapshot *info);

typedef struct StanzaKeeper StanzaKeeper;

/* NULL on failure. */
extern StanzaKeeper *
stanza_keeper_new(const SidecarConfig *config, JobQueue *queue, InfoCache *cache, PgbrError *error);

/* Start the thread. */
extern bool stanza_keeper_start(StanzaKeeper *keeper, PgbrError *error);

/* End the thread, if there is one; where it stands can still be asked. After job_queue_stop. */
extern void stanza_keeper_stop(StanzaKeeper *keeper);

/* After nobody asks any more. NULL is fine. */
extern void stanza_keeper_free(StanzaKeeper *keeper);

/* Where it stands; true when the stanza was found usable. Thread-safe. */
extern bool stanza_keeper_state(StanzaKeeper *keeper, char *reason, size_t size);

#endif
