// links: sidecar/metrics/metrics sidecar/metrics/exporter sidecar/metrics/backups sidecar/metrics/prometheus_text sidecar/pgbackrest/info_document sidecar/postgres/archiver sidecar/pgbackrest/backup_details sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/job_tally sidecar/queue/job_queue sidecar/queue/queue_restores sidecar/queue/queue_facts sidecar/queue/job_turn sidecar/queue/audit_store sidecar/queue/coalesced_jobs sidecar/queue/job_coalesce sidecar/queue/job_store sidecar/queue/store_db sidecar/queue/store_statement sidecar/queue/restore_store sidecar/queue/restore_lock sidecar/queue/job sidecar/postgres/psql
/*
 * metrics_test.c
 *		Facts in, Prometheus' text out: escaping, several repositories, block incremental backups,
 *		what is left out while nothing is known, and the tally of jobs.
 */
#include "program/json.h"
#include "sidecar/metrics/prometheus_text.h"
#include "sidecar/metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two repositories, the second encrypted and of an older database; a full, a block incremental incr
 * and a backup made offline. */
static const char document_text[] =
	"[{\"name\":\"main\",\"cipher\":\"mixed\",\"status\":{\"code\":4,\"lock\":{\"backup\":{"
	"\"held\":true,\"size\":1000,\"size-cplt\":250}},\"message\":\"x\"},"
	"\"repo\":[{\"cipher\":\"none\",\"key\":1,\"status\":{\"code\":0}},"
	"{\"cipher\":\"aes-256-cbc\",\"key\":2,\"status\":{\"code\":99}}],"
	"\"db\":[{\"id\":1,\"repo-key\":1,\"version\":\"15\"},{\"id\":1,\"repo-key\":2,\"version\":"
	"\"14\"}],"
	"\"archive\":[{\"database\":{\"id\":1,\"repo-key\":1},\"id\":\"15-1\","
	"\"min\":\"000000010000000000000001\",\"max\":\"0000000100000000000000FE\"},"
	"{\"database\":{\"id\":1,\"repo-key\":2},\"id\":\"14-1\",\"min\":null,\"max\":null}],"
	"\"backup\":["
	"{\"label\":\"20261122-100000F\",\"type\":\"full\",\"error\":false,\"prior\":null,"
	"\"reference\":null,\"annotation\":{\"a\":\"b\",\"c\":\"d\"},"
	"\"archive\":{\"start\":\"000000010000000000000002\",\"stop\":\"000000010000000000000002\"},"
	"\"backrest\":{\"version\":\"2.45\"},\"database\":{\"id\":1,\"repo-key\":1},"
	"\"info\":{\"delta\":100,\"size\":100,\"repository\":{\"delta\":10,\"size\":10}},"
	"\"lsn\":{\"start\":\"0/2000028\",\"stop\":\"0/2000100\"},"
	"\"timestamp\":{\"start\":1795341600,\"stop\":1795341660}},"
	"{\"label\":\"20261122-100000F_20261122-110000I\",\"type\":\"incr\",\"error\":true,"
	"\"prior\":\"20261122-100000F\",\"reference\":[\"20261122-100000F\"],"
	"\"archive\":{\"start\":\"000000010000000000000003\",\"stop\":\"000000010000000000000003\"},"
	"\"backrest\":{\"version\":\"2.50\"},\"database\":{\"id\":1,\"repo-key\":1},"
	"\"info\":{\"delta\":7,\"size\":100,\"repository\":{\"delta\":3,\"delta-map\":2,\"size-map\":5}"
	"},"
	"\"lsn\":{\"start\":\"0/3000028\",\"stop\":\"0/3000100\"},"
	"\"timestamp\":{\"start\":1795345200,\"stop\":1795345210}},"
	"{\"label\":\"20261121-100000F\",\"type\":\"full\",\"error\":false,\"prior\":null,"
	"\"reference\":null,\"archive\":{\"start\":null,\"stop\":null},"
	"\"backrest\":{\"version\":\"2.45\"},\"database\":{\"id\":1,\"repo-key\":2},"
	"\"info\":{\"delta\":90,\"size\":90,\"repository\":{\"delta\":9,\"size\":9}},"
	"\"timestamp\":{\"start\":1795255200,\"stop\":1795255260}}]}]";

typedef struct World
{
	InfoSnapshot info;
	json_t *document;
	RetentionHistory history;
	JobSummary jobs;
	ArchiverState archiver;
	MetricsFacts facts;
} World;

static World *
world_new(const char *text)
{
	World *world = calloc(1, sizeof(*world));
	PgbrError error;

	assert_non_null(world);
	world->facts = (MetricsFacts){.stanza = "main",
								  .pgbackrest_version = "2.45",
								  .now = (int64_t) 1795345300 * 1000,
								  .info = &world->info,
								  .jobs = &world->jobs,
								  .archiver = &world->archiver};
	if (text == NULL)
		return world;
	world->document = json_parse(text, strlen(text), &error);
	assert_non_null(world->document);
	world->facts.document = world->document;
	world->info.document = info_document_new(text, strlen(text));
	assert_non_null(world->info.document);
	world->info.fetched_at = world->facts.now - 1000;
	assert_true(retention_read(info_find_stanza(world->document, "main"), &world->history, &error));
	retention_decide(&world->history, NULL, 0, world->facts.now / 1000);
	world->facts.history = &world->history;
	return world;
}

static void
world_free(World *world)
{
	retention_done(&world->history);
	json_decref(world->document);
	info_document_release(world->info.document);
	free(world);
}

static void
write_all(World *world, StrBuf *out)
{
	strbuf_init(out);
	metrics_write(&world->facts, out);
	assert_false(out->failed);
}

static void
has(const StrBuf *out, const char *line)
{
	char wanted[1024];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (strstr(out->data, wanted) == NULL)
		fail_msg("missing: %s\nin:\n%s", line, out->data);
}

static void
has_not(const StrBuf *out, const char *part)
{
	if (strstr(out->data, part))
		fail_msg("should not be there: %s", part);
}

static void
test_text(void **state)
{
	StrBuf labels;
	StrBuf out;

	(void) state;
	strbuf_init(&labels);
	strbuf_init(&out);
	metric_label(&labels, "a", "back\\slash \"quoted\"\nnew line \xC3\xA9\x1b[m\xC2\x9B");
	metric_label(&labels, "b", NULL);
	metric_label_number(&labels, "c", -7);
	metric_single(&out, "m", "gauge", "Help.", labels.data, 9007199254740991.0);
	metric_sample(&out, "m", "", 0.25);
	metric_sample(&out, "m", "", 1e300);
	assert_string_equal(out.data, "# HELP m Help.\n# TYPE m gauge\n"
								  "m{a=\"back\\\\slash \\\"quoted\\\"\\nnew line "
								  "\xC3\xA9\\\\x1B[m\\\\u009B\",b=\"\",c=\"-7\"} 9007199254740991\n"
								  "m 0.25\nm 1e+300\n");
	strbuf_done(&labels);
	strbuf_done(&out);
}

static void
test_exporter(void **state)
{
	World *world = world_new(document_text);
	BackupDatabases databases[] = {{"20261122-100000F", 1, 3}, {"20261121-100000F", 2, -1}};
	StrBuf out;

	(void) state;
	world->facts.databases = databases;
	world->facts.database_count = 2;
	write_all(world, &out);
	has(&out, "pgbackrest_stanza_status{stanza=\"main\"} 4");
	has(&out, "pgbackrest_stanza_lock_status{stanza=\"main\"} 1");
	has(&out, "pgbackrest_stanza_backup_lock_status{stanza=\"main\"} 1");
	has(&out, "pgbackrest_stanza_backup_total_bytes{stanza=\"main\"} 1000");
	has(&out, "pgbackrest_stanza_backup_compete_bytes{stanza=\"main\"} 250");
	has(&out, "pgbackrest_stanza_backup_complete_bytes{stanza=\"main\"} 250");
	has(&out, "pgbackrest_stanza_restore_lock_status{stanza=\"main\"} 0");
	has(&out, "pgbackrest_repo_status{cipher=\"aes-256-cbc\",repo_key=\"2\",stanza=\"main\"} 99");
	has(&out, "pgbackrest_wal_archive_status{database_id=\"1\",pg_version=\"15\",repo_key=\"1\","
			  "stanza=\"main\",wal_max=\"\",wal_min=\"\"} 1");
	has(&out, "pgbackrest_wal_archive_status{database_id=\"1\",pg_version=\"14\",repo_key=\"2\","
			  "stanza=\"main\",wal_max=\"\",wal_min=\"\"} 0");
	has(&out, "pgbackrest_version_info 2045000");
#define INCR                                                                  \
	"backup_name=\"20261122-100000F_20261122-110000I\",backup_type=\"incr\"," \
	"block_incr=\"y\",database_id=\"1\",repo_key=\"1\",stanza=\"main\""
#define OFFLINE                                                               \
	"backup_name=\"20261121-100000F\",backup_type=\"full\",block_incr=\"n\"," \
	"database_id=\"1\",repo_key=\"2\",stanza=\"main\""
	has(&out, "pgbackrest_backup_info{" INCR ",backrest_ver=\"2.50\",lsn_start=\"0/3000028\","
			  "lsn_stop=\"0/3000100\",pg_version=\"15\",prior=\"20261122-100000F\","
			  "wal_start=\"000000010000000000000003\",wal_stop=\"000000010000000000000003\"} 1");
	has(&out, "pgbackrest_backup_info{" OFFLINE ",backrest_ver=\"2.45\",lsn_start=\"-\","
			  "lsn_stop=\"-\",pg_version=\"14\",prior=\"\",wal_start=\"\",wal_stop=\"\"} 1");
	has(&out, "pgbackrest_backup_duration_seconds{" INCR
			  ",start_time=\"2026-11-22 11:00:00\",stop_time=\"2026-11-22 11:00:10\"} 10");
	has(&out, "pgbackrest_backup_repo_size_bytes{" INCR "} 0");
	has(&out, "pgbackrest_backup_repo_size_map_bytes{" INCR "} 5");
	has(&out, "pgbackrest_backup_error_status{" INCR "} 1");
	has(&out, "pgbackrest_backup_references{" INCR ",ref_backup=\"full\"} 1");
	has(&out, "pgbackrest_backup_references{" INCR ",ref_backup=\"diff\"} 0");
	has_not(&out, "pgbackrest_backup_databases{" OFFLINE);
	/* no diff was ever made: the full serves as one */
	has(&out, "pgbackrest_backup_last_size_bytes{backup_type=\"diff\",block_incr=\"n\","
			  "stanza=\"main\"} 100");
	has(&out, "pgbackrest_backup_last_annotations{backup_type=\"full\",block_incr=\"n\","
			  "stanza=\"main\"} 2");
	has(&out, "pgbackrest_backup_last_error_status{backup_type=\"incr\",block_incr=\"y\","
			  "stanza=\"main\"} 1");
	has(&out, "pgbackrest_backup_last_databases{backup_type=\"full\",block_incr=\"n\","
			  "stanza=\"main\"} 3");
	has(&out, "pgbackrest_backup_since_last_completion_seconds{backup_type=\"incr\","
			  "block_incr=\"y\",stanza=\"main\"} 90");
	strbuf_done(&out);
	world_free(world);
}

static void
test_nothing_known(void **state)
{
	World *world = world_new(NULL);
	StrBuf out;

	(void) state;
	write_all(world, &out);
	has(&out, "pgbackrest_exporter_status{stanza=\"main\"} 0");
	has(&out, "pgbackrest_ctl_info_up{stanza=\"main\"} 0");
	has(&out, "pgbackrest_ctl_store_up{stanza=\"main\"} 0");
	has(&out, "pgbackrest_ctl_postgres_up{stanza=\"main\"} 0");
	has(&out, "pgbackrest_ctl_backup_never_succeeded{stanza=\"main\",type=\"full\"} 1");
	has_not(&out, "pgbackrest_stanza_status");
	has_not(&out, "\npgbackrest_ctl_backup_last_success_timestamp_seconds{");
	has_not(&out, "recovery_window");
	has_not(&out, "wal_missing");
	strbuf_done(&out);
	world_free(world);
}

/* WAL that PostgreSQL believes to be archived. */
static void
test_missing_wal(void **state)
{
	static const struct
	{
		const char *last_wal;
		int64_t after; /* archived so many seconds after the information was fetched */
		const char *line;
	} cases[] = {
		{"0000000100000000000000FE", -10, "pgbackrest_ctl_wal_missing_segments{stanza=\"main\"} 0"},
		{"000000010000000000000010", -10, "pgbackrest_ctl_wal_missing_segments{stanza=\"main\"} 0"},
		/* over the end of a log: 0xFE, 0xFF, then 1/0 and 1/1 */
		{"000000010000000100000001", -10, "pgbackrest_ctl_wal_missing_segments{stanza=\"main\"} 3"},
		{"000000020000000100000001", -10, "pgbackrest_ctl_wal_missing_segments{stanza=\"main\"} 1"},
		{"000000010000000100000001", 10, NULL},
		{"00000002.history", -10, NULL},
		{"000000010000000000000010.00000028.backup", -10, NULL},
		{"", -10, NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		World *world = world_new(document_text);
		StrBuf out;

		world->archiver =
			(ArchiverState){.running = true, .archives = true, .segment_size = 1 << 24};
		pgbr_copy_text(world->archiver.last_wal, sizeof(world->archiver.last_wal),
					   cases[i].last_wal);
		world->archiver.last_archived = (double) (world->info.fetched_at / 1000 + cases[i].after);
		write_all(world, &out);
		if (cases[i].line)
			has(&out, cases[i].line);
		else
			has_not(&out, "wal_missing");
		strbuf_done(&out);
		world_free(world);
	}
}

static void
test_archiver(void **state)
{
	static const char answer_text[] =
		"{\"is_standby\":false,\"archive_mode\":\"on\",\"segment_size\":16777216,\"ready\":3,"
		"\"oldest_ready\":1795345200.5,\"archived\":10,\"failed\":2,\"last_archived\":null,"
		"\"last_failed\":1795345100,\"last_wal\":null,\"view\":\"public.pgbr_schedule\"}";
	static const char schedules_text[] =
		"[{\"type\":\"full\",\"active\":true,\"next_run\":1795400000,\"last_due\":1795345000,"
		"\"last_state\":\"failed\"},{\"type\":\"diff\",\"active\":true,\"next_run\":null,"
		"\"last_due\":1795345000,\"last_state\":\"succeeded\"},{\"type\":\"other\"}]";
	World *world = world_new(document_text);
	PgbrError error;
	json_t *answer = json_parse(answer_text, strlen(answer_text), &error);
	json_t *schedules = json_parse(schedules_text, strlen(schedules_text), &error);
	StrBuf out;

	(void) state;
	archiver_read(answer, schedules, &world->archiver);
	assert_int_equal(world->archiver.schedule_count, 2);
	write_all(world, &out);
	has(&out, "pgbackrest_ctl_wal_waiting_files{stanza=\"main\"} 3");
	has(&out, "pgbackrest_ctl_wal_archive_lag_seconds{stanza=\"main\"} 99.5");
	has(&out, "pgbackrest_ctl_wal_archive_failures_total{stanza=\"main\"} 2");
	has_not(&out, "wal_last_archived_timestamp_seconds");
	has(&out, "pgbackrest_ctl_schedules_up{stanza=\"main\"} 1");
	has(&out, "pgbackrest_ctl_schedule_lag_seconds{stanza=\"main\",type=\"full\"} 300");
	has(&out, "pgbackrest_ctl_schedule_lag_seconds{stanza=\"main\",type=\"diff\"} 0");
	has(&out, "pgbackrest_ctl_schedule_next_run_timestamp_seconds{stanza=\"main\",type=\"full\"} "
			  "1795400000");
	strbuf_done(&out);
	/* a standby has no WAL to archive, unless told so */
	json_object_set_new(answer, "is_standby", json_true());
	archiver_read(answer, NULL, &world->archiver);
	assert_false(world->archiver.archives);
	/* the extension is there, but its schedules can't be read; and it is not there */
	write_all(world, &out);
	has(&out, "pgbackrest_ctl_schedules_up{stanza=\"main\"} 0");
	has_not(&out, "schedule_active");
	strbuf_done(&out);
	json_object_del(answer, "view");
	archiver_read(answer, NULL, &world->archiver);
	write_all(world, &out);
	has_not(&out, "schedules_up");
	strbuf_done(&out);
	json_object_set_new(answer, "archive_mode", json_string("always"));
	archiver_read(answer, NULL, &world->archiver);
	assert_true(world->archiver.archives);
	json_decref(answer);
	json_decref(schedules);
	world_free(world);
}

/* The window of each repository is that of its newest database and of its own backups. */
static void
test_window(void **state)
{
	World *world = world_new(document_text);
	ArchiverState *archiver = &world->archiver;
	RetentionBackup *backup;
	StrBuf out;

	(void) state;
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_start_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795341660");
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795345210");
	strbuf_done(&out);
	/* a later backup of the other repository, or of an older database, does not count */
	for (int i = 0; i < world->history.count; i++)
	{
		backup = &world->history.backups[i];
		if (backup->repo == 2)
			backup->stop = 1795349999;
	}
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795345210");
	strbuf_done(&out);
	backup = &world->history.backups[1];
	assert_int_equal(backup->repo, 1);
	backup->database = 7;
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795341660");
	strbuf_done(&out);
	/* WAL that was archived since, unless the repository lacks it */
	*archiver = (ArchiverState){.running = true,
								.archives = true,
								.segment_size = 1 << 24,
								.last_wal = "0000000100000000000000FE",
								.last_archived = 1795345290};
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795345290");
	strbuf_done(&out);
	strcpy(archiver->last_wal, "0000000100000000000000FF");
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795341660");
	strbuf_done(&out);
	archiver->last_archived = 1795341000;
	write_all(world, &out);
	has(&out,
		"pgbackrest_ctl_recovery_window_end_timestamp_seconds{stanza=\"main\",repo_key=\"1\"} "
		"1795341660");
	strbuf_done(&out);
	world_free(world);
}

/* What happened once stays to be seen; what never did has no sample. */
static void
test_last_times(void **state)
{
	World *world = world_new(document_text);
	ArchiverState *archiver = &world->archiver;
	StrBuf out;

	(void) state;
	archiver->running = archiver->archives = true;
	write_all(world, &out);
	has_not(&out, "wal_last_failure_timestamp_seconds");
	has_not(&out, "restore_last_success_timestamp_seconds");
	has_not(&out, "restore_last_verified_timestamp_seconds");
	strbuf_done(&out);
	archiver->last_failed = 1795345100;
	world->facts.last_restore = 1795345000 * INT64_C(1000);
	write_all(world, &out);
	has(&out, "pgbackrest_ctl_wal_last_failure_timestamp_seconds{stanza=\"main\"} 1795345100");
	has(&out, "pgbackrest_ctl_restore_last_success_timestamp_seconds{stanza=\"main\"} 1795345000");
	has_not(&out, "restore_last_verified_timestamp_seconds");
	strbuf_done(&out);
	world->facts.last_verified_restore = 1795345001 * INT64_C(1000);
	write_all(world, &out);
	has(&out, "pgbackrest_ctl_restore_last_verified_timestamp_seconds{stanza=\"main\"} 1795345001");
	strbuf_done(&out);
	world_free(world);
}

/* A schedule lags only when a time has come, is past, and its backup was not made. */
static void
test_lag(void **state)
{
	static const struct
	{
		bool succeeded;
		double last_due;
		const char *lag;
	} rows[] = {
		{false, 1795345000, "300"},
		{true, 1795345000, "0"},
		{false, 0, "0"},
		{false, 1795345400, "0"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		World *world = world_new(document_text);
		ArchiverState *archiver = &world->archiver;
		char line[200];
		StrBuf out;

		archiver->running = true;
		archiver->schedule_count = 1;
		archiver->schedules[0] = (ArchiverSchedule){
			.type = PGBR_BACKUP_FULL, .last_due = rows[i].last_due, .succeeded = rows[i].succeeded};
		write_all(world, &out);
		snprintf(line, sizeof(line),
				 "pgbackrest_ctl_schedule_lag_seconds{stanza=\"main\",type=\"full\"} %s",
				 rows[i].lag);
		has(&out, line);
		has_not(&out, "schedule_next_run_timestamp_seconds{");
		strbuf_done(&out);
		world_free(world);
	}
}

static void
add_job(JobSummary *summary, PgbrJobKind kind, PgbrBackupType type, PgbrJobState state,
		int64_t finished_at, int exit_code, const char *covered_by)
{
	Job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->request.kind = kind;
	job->request.type = type;
	job->state = state;
	job->started_at = finished_at - 2500;
	job->finished_at = finished_at;
	job->exit_code = exit_code;
	strcpy(job->covered_by, covered_by);
	job_summary_add(summary, job);
	free(job);
}

static void
test_jobs(void **state)
{
	World *world = world_new(document_text);
	JobSummary *jobs = &world->jobs;
	int64_t now = world->facts.now;
	StrBuf out;

	(void) state;
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_FULL, PGBR_STATE_SUCCEEDED, now - 9000, 0, "");
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_DIFF, PGBR_STATE_FAILED, now - 8000, 50, "");
	/* not run, and no outcome of its own */
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_DIFF, PGBR_STATE_FAILED, now - 8000, 50, "x");
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_DIFF, PGBR_STATE_CANCELLED, now - 7500, -1, "");
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_DIFF, PGBR_STATE_INTERRUPTED, now - 7000, -1, "");
	add_job(jobs, PGBR_JOB_VERIFY, PGBR_BACKUP_INCR, PGBR_STATE_SUCCEEDED, now - 6000, 0, "");
	jobs->queued = 4;
	write_all(world, &out);
	has(&out, "pgbackrest_ctl_backup_consecutive_failures{stanza=\"main\",type=\"diff\"} 2");
	has(&out, "pgbackrest_ctl_backup_consecutive_failures{stanza=\"main\",type=\"full\"} 0");
	has(&out, "pgbackrest_ctl_backup_never_succeeded{stanza=\"main\",type=\"diff\"} 1");
	has(&out,
		"pgbackrest_ctl_job_last_exit_code{stanza=\"main\",kind=\"backup\",type=\"diff\"} -1");
	has(&out, "pgbackrest_ctl_job_last_duration_seconds{stanza=\"main\",kind=\"verify\"} 2.5");
	has(&out, "pgbackrest_ctl_job_last_success_timestamp_seconds{stanza=\"main\",kind=\"verify\"} "
			  "1795345294");
	/* the job is younger than the backup in the document */
	has(&out, "pgbackrest_ctl_backup_last_success_timestamp_seconds{stanza=\"main\",type=\"full\"} "
			  "1795345291");
	has(&out, "pgbackrest_ctl_backup_last_success_timestamp_seconds{stanza=\"main\",type=\"incr\"} "
			  "1795345210");
	has(&out, "pgbackrest_ctl_queue_depth{stanza=\"main\"} 4");
	has_not(&out, "kind=\"expire\"");
	strbuf_done(&out);
	/* what runs here and now is known better than the document has it */
	jobs->running.seq = 1;
	jobs->running.started_at = now - 4000;
	jobs->running.progress = (JobProgress){"copying", 500, 2000, 25};
	write_all(world, &out);
	has(&out, "pgbackrest_stanza_backup_total_bytes{stanza=\"main\"} 2000");
	has(&out, "pgbackrest_stanza_backup_complete_bytes{stanza=\"main\"} 500");
	has(&out, "pgbackrest_stanza_restore_lock_status{stanza=\"main\"} 0");
	has(&out, "pgbackrest_ctl_job_running_seconds{stanza=\"main\"} 4");
	strbuf_done(&out);
	/* a restore has no backup's lock */
	jobs->running.request.kind = PGBR_JOB_NODE_RESTORE;
	write_all(world, &out);
	has(&out, "pgbackrest_stanza_restore_lock_status{stanza=\"main\"} 1");
	has(&out, "pgbackrest_stanza_restore_total_bytes{stanza=\"main\"} 2000");
	has(&out, "pgbackrest_stanza_backup_total_bytes{stanza=\"main\"} 1000");
	strbuf_done(&out);
	/* a success ends the row */
	add_job(jobs, PGBR_JOB_BACKUP, PGBR_BACKUP_DIFF, PGBR_STATE_SUCCEEDED, now - 1000, 0, "");
	assert_int_equal(jobs->counts[PGBR_JOB_BACKUP][PGBR_BACKUP_DIFF].failures_in_a_row, 0);
	assert_int_equal(jobs->counts[PGBR_JOB_BACKUP][PGBR_BACKUP_DIFF].failed, 2);
	world_free(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),		  cmocka_unit_test(test_exporter),
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_missing_wal),
		cmocka_unit_test(test_archiver),	  cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_window),		  cmocka_unit_test(test_last_times),
		cmocka_unit_test(test_lag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
