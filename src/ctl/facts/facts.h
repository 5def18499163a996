/*
 * facts.h
 *		What is known about the cluster before a restore: Patroni's view, what every sidecar says of
 *		its node, the backups, the archive, the restore points.
 *
 * Gathering does I/O and decides nothing; the readers turn a JSON answer into structs and are pure.
 * Unknown values are 0, -1 or empty, as noted below; the plan reports them. The facts own their
 * memory: restore_facts_init, restore_facts_done. Not thread-safe.
 */
#ifndef PGBR_CTL_FACTS_FACTS_H
#define PGBR_CTL_FACTS_FACTS_H

#include "common/error.h"
#include "common/recovery_target.h"
#include "common/wal.h"
#include "ctl/facts/limits.h"
#include "ctl/facts/timeline_path.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The settings that a hot standby must have at least as high as its primary. */
#define FACT_SETTINGS(X)         \
	X(max_connections)           \
	X(max_worker_processes)      \
	X(max_wal_senders)           \
	X(max_prepared_transactions) \
	X(max_locks_per_transaction)

enum
{
#define X(name) FACT_##name,
	FACT_SETTINGS(X)
#undef X
	FACT_SETTING_COUNT,
};

/* What an option of pgbackrest's restore does that is set on a member. */
#define FACT_EFFECTS(X)         \
	X(OVERRIDDEN, "overridden") \
	X(REFUSED, "refused")       \
	X(UNKNOWN, "unknown")

typedef enum FactEffect
{
#define X(name, text) FACT_EFFECT_##name,
	FACT_EFFECTS(X)
#undef X
} FactEffect;

#define FACT_OPTIONS_MAX 8

typedef struct FactOption
{
	char name[64];
	char where[192]; /* "section [global] of pgbackrest.conf" */
	FactEffect effect;
} FactOption;

#define FACT_URL_SIZE 512

typedef struct FactMember
{
	char name[RESTORE_NAME_SIZE];
	char role[24];	 /* Patroni's: leader, sync_standby, replica, standby_leader */
	char state[48];	 /* Patroni's: running, streaming, stopped */
	char error[256]; /* why its sidecar told nothing; empty: it did */

	bool running;  /* PostgreSQL answers */
	bool unseen;   /* its sidecar does not see the process of the server that answers */
	bool unlisted; /* Patroni does not list it: an option, the file or a journal names it */
	char mismatch
		[256]; /* why its sidecar serves another PostgreSQL, a sentence; empty: it does not */
	char sidecar_url[FACT_URL_SIZE];
	bool uncompared;			 /* its Patroni did not answer: mismatch says less */
	char identity[256];			 /* of its sidecar; empty: unknown */
	char data_directory_id[256]; /* the same for all who see this folder; empty: unknown */
	char stanza[65];
	char system_identifier[24];
	char postgres_version[48];
	char pgbackrest_version[24];
	char postgres_bin[512];
	char data_directory[512];
	uint32_t timeline; /* of the server or, while it is down, of its control data */
	uint64_t lsn;	   /* current, replayed, or that of the last checkpoint */
	uint64_t next_xid; /* 64 bit; 0 unknown */
	long long segment_size;
	long long cluster_bytes;			  /* of all databases; -1 unknown */
	long long free_bytes;				  /* -1 unknown */
	bool is_mount;						  /* the data directory is a mount point */
	bool read_only;						  /* its sidecar can't write there */
	FactOption options[FACT_OPTIONS_MAX]; /* set there and not plainly harmless */
	int option_count;
	char data_link[256];  /* a link to data, which a restore does not keep; empty: none */
	int tablespaces;	  /* -1 unknown */
	int logical_slots;	  /* of replication; -1 unknown */
	long long unarchived; /* segments that wait for the archiver; -1 unknown */
	/* the first check of its sidecar that fails and that a restore needs; empty: none does */
	char failed_check[24];
	char failed_reason[512];
	char failed_cure[512];
	int settings[FACT_SETTING_COUNT]; /* -1 unknown */
	int control
		[FACT_SETTING_COUNT];	   /* what its control data requires of a hot standby; -1 unknown */
	int64_t time_ms;			   /* its clock, when it answered; 0 unknown */
	int64_t asked_ms;			   /* this machine's clock then */
	char restore[RESTORE_ID_SIZE]; /* the restore that is active there; empty: none */
	char kept_for[RESTORE_ID_SIZE]; /* the restore whose way back it is, untouched; empty: none */
	bool replica;					/* a standby last, by the control data of its server */
	char running_job[72];
} FactMember;

typedef struct FactBackup
{
	char label[RECOVERY_SET_SIZE];
	char prior[RECOVERY_SET_SIZE];
	int repo;
	int database;  /* the key of FactDatabase */
	bool error;	   /* pgbackrest found bad page checksums */
	bool broken;   /* the last verify job found its files missing or changed */
	int64_t start; /* seconds since 1970 */
	int64_t stop;
	uint64_t lsn_start;
	uint64_t lsn_stop;
	char wal_start[WAL_NAME_SIZE];
	char wal_stop[WAL_NAME_SIZE];
	uint64_t snapshot_xmin; /* 64 bit, after the backup had ended; 0 unknown */
	uint64_t snapshot_xmax;
	long long bytes;
	long long repo_bytes;
	char way_back[96]; /* the annotation of that name: see retention.h; "" */
} FactBackup;

/* A system and version that the stanza has had. */
typedef struct FactDatabase
{
	int repo;
	int id;
	char system_identifier[24];
	char version[16];
} FactDatabase;

typedef struct FactPoint
{
	char name[RECOVERY_TEXT_SIZE];
	uint32_t timeline;
	uint64_t lsn;
	int64_t time_us;
	uint64_t xid; /* the next transaction id then */
} FactPoint;

/* What the journal of a restore says that has opened the leader. */
typedef struct FactRestore
{
	uint32_t timeline; /* that it has begun, */
	uint64_t fork_lsn; /* where, */
	uint32_t left;	   /* and the one on which the leader wrote before; 0 unknown */
	bool to_the_end;   /* it replayed all WAL there was */
	int64_t last_us;   /* what was committed until then is in it; 0 unknown */
	uint64_t next_xid; /* 64 bit, when recovery ended; 0 unknown */

	/* between these two nothing was committed, by the clock of the machine that ran the restore;
	 * 0 unknown */
	int64_t stopped_us;
	int64_t begun_us;
	uint64_t stopped_xid; /* the next one when the leader was stopped; 0 unknown */
} FactRestore;

/* A backup that a restore could not use, as its journal says. */
typedef struct FactDamage
{
	char label[RECOVERY_SET_SIZE];
	char restore[RESTORE_ID_SIZE];
	char said[160]; /* by pgbackrest */
	int64_t at;		/* seconds since 1970 */
} FactDamage;

#define FACT_DAMAGES_MAX 16

typedef struct RestoreFacts
{
	char scope[RESTORE_NAME_SIZE];
	char leader[RESTORE_NAME_SIZE]; /* Patroni's; empty: there is none */
	char system_identifier[24];		/* the one in the DCS; empty unknown */
	bool paused;
	bool scheduled_switchover;
	int64_t now_ms;						  /* this machine's clock */
	char newest_restore[RESTORE_ID_SIZE]; /* of all that are known; empty: there is none */

	FactMember members[RESTORE_MEMBERS_MAX];
	int member_count;
	FactBackup *backups;
	size_t backup_count;
	FactDatabase *databases;
	size_t database_count;
	FactPoint *points;
	size_t point_count;
	FactRestore *restores;
	size_t restore_count;
	char restores_error[256]; /* why not all journals could be read; empty: they were */
	WalArchive archive;
	char repo_errors[512];	/* repositories that could not be read; empty: none */
	bool verified;			/* the files of the backups were verified... */
	int64_t verified_at;	/* ...by a job that ended then, in seconds; newer backups were not */
	char verify_error[256]; /* why they could not be */
	char damaged_wal[WAL_NAME_SIZE]; /* the first segment that can't be read, or "" */
	FactDamage damages[FACT_DAMAGES_MAX];
	int damage_count;
	uint64_t undo_lsn;			/* of an undo: the point to which it returns; 0: not known */
	uint32_t timeline_followed; /* on which an earlier try has found the same target; 0 */
	char undone_keep[RESTORE_NAME_SIZE]; /* whom the restore that is undone has kept, or empty */
	bool replaces_full; /* the active restore that this plan replaces is not of replicas only */
	bool undo_retry;	/* the active restore is the one that this plan replaces or goes on with */
} RestoreFacts;

extern void restore_facts_init(RestoreFacts *facts);
extern void restore_facts_done(RestoreFacts *facts);

/*
 * Readers of the sidecars' answers. Each adds the answer's content to the facts. What two members
 * report is stored once. False with PROTOCOL when a value is outside its grammar, or INTERNAL when
 * out of memory.
 */
extern bool restore_facts_read_node(FactMember *member, const json_t *node, PgbrError *error);
extern bool restore_facts_read_info(RestoreFacts *facts, const json_t *info, const char *stanza,
									PgbrError *error);
extern bool
restore_facts_read_archive(RestoreFacts *facts, const json_t *archive, PgbrError *error);
extern bool restore_facts_read_points(RestoreFacts *facts, const json_t *points, PgbrError *error);

/*
 * What "pgbackrest verify --output=text" printed about a repository: backups with files that are
 * missing or changed become broken, and damaged WAL leaves the archive. *found says whether any
 * such thing was found.
 */
extern bool restore_facts_read_verify(RestoreFacts *facts, int repo, const char *text, bool *found,
									  PgbrError *error);

/* Add one; false when out of memory. For the readers and for tests. */
extern bool restore_facts_add_backup(RestoreFacts *facts, const FactBackup *backup);
extern bool restore_facts_add_database(RestoreFacts *facts, const FactDatabase *database);
extern bool restore_facts_add_point(RestoreFacts *facts, const FactPoint *point);
extern bool restore_facts_add_restore(RestoreFacts *facts, const FactRestore *restore);

/* Add a member of which nothing is known yet; NULL when there is no place. */
extern FactMember *restore_facts_add_member(RestoreFacts *facts, const char *name);

/* The member of a name, or NULL. */
extern const FactMember *restore_facts_member(const RestoreFacts *facts, const char *name);

#endif
