/*
 * guc.h
 *		The settings of the extension.
 *
 * All are sighup: the configuration file (or Patroni) sets them, never a session, so nobody can
 * send the token to a server of their own. Where the library is not preloaded, a session can hide
 * the configured value: see guc_refuse_foreign. The variables belong to the server and may change
 * between two statements. A text that is not set is NULL or "".
 */
#ifndef PGBR_GUC_H
#define PGBR_GUC_H

#include "common/vocabulary.h"

extern char *guc_sidecar_url;	/* http(s)://host[:port][/prefix] */
extern int guc_sidecar_timeout; /* ms; for one request */
extern char *guc_sidecar_token_file;
extern char *guc_sidecar_ca_file;
extern char *guc_sidecar_cert_file;
extern char *guc_sidecar_key_file;

/* Schedules: "" when not set; otherwise the text has passed the check of cron or of the zone. */
extern char *guc_standby_sidecar_url;
extern bool guc_backup_from_standby;
extern char *guc_config_file;
extern char *guc_full_schedule;
extern char *guc_diff_schedule;
extern char *guc_incr_schedule;
extern char *guc_timezone;
extern bool guc_schedule_enabled;
extern int guc_catch_up_window;	  /* s */
extern int guc_retry_limit;		  /* tries after the first */
extern int guc_history_retention; /* min */
extern char *guc_database;		  /* fixed at server start */

/* Define them all; once, from _PG_init. */
extern void guc_define(void);

/* Raise an error in a session where a setting came from elsewhere than the configuration file,
 * before the library was loaded to refuse it. Call this before relying on a setting. */
extern void guc_refuse_foreign(void);

/* Why a value of the configuration file is not in force, which the server says in its log alone;
 * palloc'd, or NULL. */
extern char *guc_refused_schedule(PgbrBackupType type);
extern char *guc_refused_timezone(void);

#endif
