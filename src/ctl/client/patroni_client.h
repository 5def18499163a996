/*
 * patroni_client.h
 *		Requests to Patroni's REST API, and what its answers mean, for Patroni 3 and 4 alike.
 *
 * Every call names the member by the URL of its API, without a path. A PatroniClient holds only
 * what all calls share, and borrows the URLs that the user has named. The password goes to these;
 * for other URLs the rule decides. A zero timeout stands for the client's own. Failures:
 * UNREACHABLE, TIMEOUT, TLS as pgbr_http_perform has them; PROTOCOL for what is not Patroni;
 * FORBIDDEN when it wants other credentials; UNAVAILABLE for another refusal, which may pass.
 */
#ifndef PGBR_CTL_CLIENT_PATRONI_CLIENT_H
#define PGBR_CTL_CLIENT_PATRONI_CLIENT_H

#include "common/error.h"
#include "ctl/client/secret_rule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define PATRONI_URL_SIZE	256
#define PATRONI_MEMBERS_MAX 32

typedef struct PatroniClient
{
	char user[256]; /* "user:password", or empty */
	const char (*named)[PATRONI_URL_SIZE];
	int named_count;
	SecretRule rule;
	const char *ca_file;
	const char *cert_file;
	const char *key_file;
	int timeout_ms;						  /* for one answer */
	bool (*should_abort)(void *argument); /* see PgbrHttpRequest; or NULL */
	void *abort_argument;
} PatroniClient;

/* Read "user:password" from the first line of a file that only its owner can read. CONFIG. */
extern bool patroni_read_user(PatroniClient *client, const char *path, PgbrError *error);

/* A member as GET /cluster lists it. */
typedef struct PatroniMember
{
	char name[64];
	char url[PATRONI_URL_SIZE]; /* of its REST API, without a path */
	char host[256];				/* of PostgreSQL, as replicas connect to it; "" unknown */
	int port;					/* 0: unknown */
	char role[32];				/* leader, standby_leader, sync_standby, quorum_standby, replica */
	char state[32];	   /* running, streaming, in archive recovery, stopped, starting, ... */
	bool leads;		   /* role leader or standby_leader */
	uint32_t timeline; /* 0: unknown */
	int64_t lag;	   /* bytes; -1: unknown */
} PatroniMember;

typedef struct PatroniCluster
{
	PatroniMember members[PATRONI_MEMBERS_MAX]; /* by name */
	int count;
	bool paused;
	bool switchover_scheduled;
	bool standby; /* the whole cluster follows another one */
} PatroniCluster;

/* GET /cluster */
extern bool patroni_get_cluster(const PatroniClient *client, const char *url,
								PatroniCluster *cluster, PgbrError *error);

/* What GET /patroni says of one member, whether or not its PostgreSQL runs. */
typedef struct PatroniNode
{
	char scope[64];
	char version[16]; /* Patroni's */
	char state[32];	  /* running, stopped, starting, ... */
	char role[32];	  /* primary (also for Patroni 3's master) or replica, as far as it knows */
	char system_identifier[24];		/* digits; "" while unknown */
	char postmaster_start_time[64]; /* as PostgreSQL prints it; "" while it does not answer */
	bool running;					/* PostgreSQL answered */
	bool primary;
	bool paused;
	bool unlocked;							 /* nobody holds the leader key */
	bool restart_scheduled;					 /* by POST /restart with a time */
	uint32_t timeline;						 /* 0: unknown */
	uint64_t replayed;						 /* a standby's LSN; 0: unknown */
	int server_version;						 /* 150010; 0: unknown */
	char streaming[PATRONI_MEMBERS_MAX][64]; /* who streams from it, by application_name */
	int streaming_count;
} PatroniNode;

/* While PostgreSQL does not answer, Patroni retries for half of its retry_timeout (five seconds)
 * before it responds. */
extern bool
patroni_get_node(const PatroniClient *client, const char *url, PatroniNode *node, PgbrError *error);

/* The same without that delay, for callers that poll: Patroni's first query over a lost connection
 * fails. */
extern bool patroni_watch_node(const PatroniClient *client, const char *url, PatroniNode *node,
							   PgbrError *error);

/* Readers of these answers. Pure; PROTOCOL. */
extern bool patroni_read_cluster(const json_t *answer, PatroniCluster *cluster, PgbrError *error);
extern bool patroni_read_node(const json_t *answer, PatroniNode *node, PgbrError *error);

/* *primary is true when GET /primary returns 200: the member holds the leader key. *node is as
 * patroni_watch_node gives it. */
extern bool patroni_is_primary(const PatroniClient *client, const char *url, bool *primary,
							   PatroniNode *node, PgbrError *error);

/* The cluster's dynamic configuration; *config is the caller's. */
extern bool
patroni_get_config(const PatroniClient *client, const char *url, json_t **config, PgbrError *error);

/* Change it; a member that is null is removed. The PATCH wakes the member's HA loop even when
 * nothing changes. CONFLICT when another client changed it at the same moment: try again. */
extern bool patroni_patch_config(const PatroniClient *client, const char *url, const json_t *patch,
								 PgbrError *error);

/* True when Patroni would accept a change from us; nothing is changed. Else FORBIDDEN. */
extern bool patroni_check_access(const PatroniClient *client, const char *url, PgbrError *error);

/*
 * Wait for the HA-loop iteration that the member is in, if any. DELETE /restart waits for that and
 * changes nothing unless a restart is scheduled: the caller checks that none is.
 */
extern bool patroni_await_round(const PatroniClient *client, const char *url, PgbrError *error);

/* POST /restart: start PostgreSQL, or restart it; answers when that is done. */
extern bool
patroni_restart(const PatroniClient *client, const char *url, int timeout_ms, PgbrError *error);

/* POST /failover to a member by name; answers when that one leads. It takes the place of a switchover
 * or failover that was asked for earlier and is not done. */
extern bool patroni_fail_over(const PatroniClient *client, const char *url, const char *candidate,
							  int timeout_ms, PgbrError *error);

#endif
