/*
 * guc.c
 *		See guc.h. No check opens a file that a setting names: files come and go while the server
 *		runs, and each request reads them again.
 */
#include "postgres.h"

#include "common/schedule_plan.h"
#include "common/sidecar_url.h"
#include "common/vocabulary.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/zone.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/timestamp.h"

#define PREFIX "pgbackrest_ctl."

char *guc_sidecar_url;
int guc_sidecar_timeout;
char *guc_sidecar_token_file;
char *guc_sidecar_ca_file;
char *guc_sidecar_cert_file;
char *guc_sidecar_key_file;
char *guc_standby_sidecar_url;
bool guc_backup_from_standby;
char *guc_config_file;
char *guc_full_schedule;
char *guc_diff_schedule;
char *guc_incr_schedule;
char *guc_timezone;
bool guc_schedule_enabled;
int guc_catch_up_window;
int guc_retry_limit;
int guc_history_retention;
char *guc_database;

typedef struct TextSetting
{
	const char *name;
	const char *short_description;
	const char *long_description;
	char **variable;
	const char *boot_value;
	GucStringCheckHook check;
} TextSetting;

static bool check_sidecar_url(char **value, void **extra, GucSource source);
static bool check_standby_sidecar_url(char **value, void **extra, GucSource source);
static bool check_full_schedule(char **value, void **extra, GucSource source);
static bool check_diff_schedule(char **value, void **extra, GucSource source);
static bool check_incr_schedule(char **value, void **extra, GucSource source);
static bool check_timezone(char **value, void **extra, GucSource source);

static const TextSetting text_settings[] = {
	{"pgbackrest_ctl.sidecar_url", "Where pgbackrest_sidecar answers.",
	 "unix: and the path of its socket; or http or https, host, and where needed port and a "
	 "path that comes before /v1.",
	 &guc_sidecar_url, PGBR_DEFAULT_URL, check_sidecar_url},
	{"pgbackrest_ctl.sidecar_token_file", "File whose first line is the sidecar's bearer token.",
	 "Read at each request, so a new token needs no reload.", &guc_sidecar_token_file, "", NULL},
	{"pgbackrest_ctl.sidecar_ca_file", "Certificates (PEM) to trust instead of the system's.", NULL,
	 &guc_sidecar_ca_file, "", NULL},
	{"pgbackrest_ctl.sidecar_cert_file", "Client certificate (PEM) to show to the sidecar.", NULL,
	 &guc_sidecar_cert_file, "", NULL},
	{"pgbackrest_ctl.sidecar_key_file", "Key (PEM) of the client certificate.",
	 "Empty: it is in the file of the certificate.", &guc_sidecar_key_file, "", NULL},
	{"pgbackrest_ctl.standby_sidecar_url", "Where a standby's pgbackrest_sidecar answers.",
	 "Used for scheduled backups with pgbackrest_ctl.backup_from_standby.",
	 &guc_standby_sidecar_url, "", check_standby_sidecar_url},
	{"pgbackrest_ctl.config_file", "Values file whose pgBackRest section holds the schedules.",
	 "A setting of the same meaning takes precedence.", &guc_config_file, "", NULL},
	{"pgbackrest_ctl.full_schedule", "When full backups are made, in five cron fields.",
	 "Empty: as the values file says, or never.", &guc_full_schedule, "", check_full_schedule},
	{"pgbackrest_ctl.diff_schedule", "When differential backups are made, in five cron fields.",
	 "Empty: as the values file says, or never.", &guc_diff_schedule, "", check_diff_schedule},
	{"pgbackrest_ctl.incr_schedule", "When incremental backups are made, in five cron fields.",
	 "Empty: as the values file says, or never.", &guc_incr_schedule, "", check_incr_schedule},
	{"pgbackrest_ctl.timezone", "Time zone of the schedules.",
	 "Empty: as the values file says, or the server's TimeZone.", &guc_timezone, "",
	 check_timezone},
};

/* A value of the configuration file that was refused. */
typedef struct Refused
{
	bool is_set;
	TimestampTz reload; /* the last one that had ended then */
	char value[128];
	PgbrError error;
} Refused;

static Refused refused_schedules[PGBR_BACKUP_TYPE_COUNT];
static Refused refused_timezone;
static bool is_defining; /* the library is loaded, perhaps by a query */

/* One that was given from where no setting of ours may come, before the library was there; or "" */
static char foreign[NAMEDATALEN];

static bool
check_sidecar_url(char **value, void **extra, GucSource source)
{
	if (pgbr_url_is_valid(*value, true))
		return true;
	GUC_check_errdetail("It must be %s, without user, query or fragment.", PGBR_URL_FORMS);
	return false;
}

static bool
check_standby_sidecar_url(char **value, void **extra, GucSource source)
{
	return (*value)[0] == '\0' || check_sidecar_url(value, extra, source);
}

/* ALTER SYSTEM gives the same source, but it runs in a query, and a reload between two. */
static bool
is_from_file(GucSource source)
{
	return source == PGC_S_FILE && (is_defining || debug_query_string == NULL);
}

/*
 * The server only logs that it refuses a value of the configuration file, and goes on with the
 * value before. Users of Patroni do not see that log, so the reason is kept here for pgbr_schedule.
 * What ALTER SYSTEM refuses never gets into the file.
 */
static void
note_refused(Refused *refused, GucSource source, const char *value, const PgbrError *error)
{
	if (!is_from_file(source))
		return;
	refused->is_set = true;
	refused->reload = PgReloadTime;
	strlcpy(refused->value, value, sizeof(refused->value));
	refused->error = *error;
}

static bool
check_schedule(Refused *refused, const char *value, GucSource source)
{
	PgbrCron cron;
	PgbrError error;

	if (value[0] == '\0' || pgbr_cron_parse(value, &cron, NULL, &error))
	{
		if (is_from_file(source))
			refused->is_set = false;
		return true;
	}
	note_refused(refused, source, value, &error);
	GUC_check_errmsg("%s", error.message);
	GUC_check_errdetail("%s", error.detail);
	GUC_check_errhint("%s", error.hint);
	return false;
}

static bool
check_full_schedule(char **value, void **extra, GucSource source)
{
	return check_schedule(&refused_schedules[PGBR_BACKUP_FULL], *value, source);
}

static bool
check_diff_schedule(char **value, void **extra, GucSource source)
{
	return check_schedule(&refused_schedules[PGBR_BACKUP_DIFF], *value, source);
}

static bool
check_incr_schedule(char **value, void **extra, GucSource source)
{
	return check_schedule(&refused_schedules[PGBR_BACKUP_INCR], *value, source);
}

static bool
check_timezone(char **value, void **extra, GucSource source)
{
	PgbrError error;

	if ((*value)[0] == '\0' || zone_find(*value))
	{
		if (is_from_file(source))
			refused_timezone.is_set = false;
		return true;
	}
	pgbr_error_set(&error, PGBR_ERROR_CONFIG, "there is no time zone of this name");
	note_refused(&refused_timezone, source, *value, &error);
	GUC_check_errdetail("There is no time zone of this name.");
	GUC_check_errhint("Use a name that pg_timezone_names shows, such as Europe/Berlin.");
	return false;
}

/* Is a setting in the configuration file, as the last reload saw it? */
static bool
is_in_file(const char *name)
{
	int count;
	struct config_generic **settings = list_settings(&count);

	for (int i = 0; i < count; i++)
	{
		if (strcmp(settings[i]->name, name) == 0)
			return (settings[i]->status & GUC_IS_IN_FILE) != 0;
	}
	return false;
}

/* What is refused is gone when a later reload has not met the setting. */
static char *
describe_refused(const Refused *refused, const char *name)
{
	if (!refused->is_set || (refused->reload != PgReloadTime && !is_in_file(name)))
		return NULL;
	return psprintf("%s = '%s' is refused: %s; the value before stays in force", name,
					refused->value, refused->error.message);
}

char *
guc_refused_schedule(PgbrBackupType type)
{
	char *name = psprintf(PREFIX "%s_schedule", pgbr_backup_type_name(type));

	return describe_refused(&refused_schedules[type], name);
}

char *
guc_refused_timezone(void)
{
	return describe_refused(&refused_timezone, PREFIX "timezone");
}

static void
define_schedule_settings(void)
{
	DefineCustomBoolVariable("pgbackrest_ctl.backup_from_standby",
							 "Make scheduled backups from a standby while one streams.", NULL,
							 &guc_backup_from_standby, false, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("pgbackrest_ctl.schedule_enabled", "Run scheduled backups.",
							 "Runs due while this is off are skipped, not caught up.",
							 &guc_schedule_enabled, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pgbackrest_ctl.catch_up_window",
							"How long after its due time a missed backup is caught up.", NULL,
							&guc_catch_up_window, 86400, 0, 366 * 86400, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("pgbackrest_ctl.retry_limit",
							"How often a failed scheduled backup is tried again.", NULL,
							&guc_retry_limit, 3, 0, 100, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pgbackrest_ctl.history_retention",
							"How long the history of runs is kept.", NULL, &guc_history_retention,
							90 * 1440, 60, 3650 * 1440, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	/* A worker connects to its database once, at its start. Without a worker the setting does not
	 * matter, and the server accepts no such setting any more. */
	DefineCustomStringVariable(
		"pgbackrest_ctl.database", "Database in which the extension keeps the history of runs.",
		NULL, &guc_database, "postgres",
		process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP, 0, NULL, NULL,
		NULL);
}

/*
 * Before the library is loaded, the server accepts our settings from any session, since it does not
 * know them. When the library is loaded, it drops the forbidden value, and the configuration file's
 * value with it. The built-in value remains, and could send a token to the wrong server.
 */
static void
find_foreign(void)
{
	int count;
	struct config_generic **settings = list_settings(&count);

	for (int i = 0; i < count; i++)
	{
		if (pg_strncasecmp(settings[i]->name, PREFIX, strlen(PREFIX)) == 0 &&
			settings[i]->reset_source > PGC_S_ARGV)
			strlcpy(foreign, settings[i]->name, sizeof(foreign));
	}
}

void
guc_refuse_foreign(void)
{
	if (foreign[0])
		ereport(
			ERROR,
			(errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM),
			 errmsg("setting \"%s\" was given by this client, its role or the database", foreign),
			 errdetail("It can be set in the configuration file only, and this session can no "
					   "longer see the value there."),
			 errhint("Connect without it, or remove it with ALTER ROLE ... RESET or ALTER "
					 "DATABASE ... RESET.")));
}

void
guc_define(void)
{
	find_foreign();
	is_defining = true;
	for (size_t i = 0; i < lengthof(text_settings); i++)
	{
		const TextSetting *setting = &text_settings[i];

		DefineCustomStringVariable(setting->name, setting->short_description,
								   setting->long_description, setting->variable,
								   setting->boot_value, PGC_SIGHUP, 0, setting->check, NULL, NULL);
	}
	DefineCustomIntVariable(
		"pgbackrest_ctl.sidecar_timeout", "How long one request to the sidecar may take.", NULL,
		&guc_sidecar_timeout, 10000, 100, 3600000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	define_schedule_settings();
	is_defining = false;
	MarkGUCPrefixReserved("pgbackrest_ctl");
}
