/*
 * control_data.h
 *		What pg_controldata says of a data directory whose server is down, fenced or not.
 */
#ifndef PGBR_SIDECAR_POSTGRES_CONTROL_DATA_H
#define PGBR_SIDECAR_POSTGRES_CONTROL_DATA_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ControlData
{
	char state[48]; /* as it is printed: "shut down", "in production" */
	char system_identifier[24];
	char checkpoint_lsn[20];
	char redo_lsn[20];
	char min_recovery_lsn[20];
	char checkpoint_time[48];
	char next_xid[32]; /* epoch:xid */
	uint32_t timeline;
	int64_t wal_segment_size;
	/* what a hot standby must have at least */
	int max_connections;
	int max_worker_processes;
	int max_wal_senders;
	int max_prepared_transactions;
	int max_locks_per_transaction;
} ControlData;

/*
 * Run pg_controldata of the folder with PostgreSQL's programs ("": looked for in PATH). CONFIG when
 * it can't be run, STORAGE when there is no readable pg_control.
 */
extern bool control_data_read(const char *postgres_bin, const char *data_directory,
							  ControlData *control, PgbrError *error);

/* Read what it prints in the C locale. False when a line is missing, or its value is outside
 * its grammar. */
extern bool control_data_parse(const char *text, ControlData *control);

/* True when the server was shut down in order, be it as a primary or as a standby. */
extern bool control_data_is_clean(const ControlData *control);

/* True when the server was a standby last, whether or not it was shut down in order. */
extern bool control_data_is_replica(const ControlData *control);

/* True when one of the settings that a recovery must have is higher than in before. */
extern bool control_data_needs_more(const ControlData *control, const ControlData *before);

/* As steps report it. The caller owns a reference; NULL when out of memory. */
extern json_t *control_data_json(const ControlData *control);

#endif
