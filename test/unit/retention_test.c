/*
 * retention_test.c
 *		What is kept, for how long and why. With the argument "decide" it answers the questions of
 *		retention_oracle_test.py instead, which knows from pgbackrest itself what is right.
 */
#include "program/retention.h"
#include "program/retention_words.h"

#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_S 86400
#define NOW	  1796083200 /* 2026-12-01 00:00 UTC */

/*
 * A backup of repository 1 a line: its label, its prior's or "", its age in days, its pin or NULL.
 * A pin that begins with ^ is the annotation of a way back.
 */
typedef struct Given
{
	const char *label;
	const char *prior;
	int age;
	const char *pin;
} Given;

static json_t *
backup_of(const Given *given, int number)
{
	const char letter = given->label[strlen(given->label) - 1];
	char wal[25];
	json_t *backup;

	snprintf(wal, sizeof(wal), "0000000100000000%08X", number * 4);
	backup =
		json_pack("{s:s, s:s, s:{s:i, s:i}, s:{s:s, s:s}, s:{s:I}}", "label", given->label, "type",
				  letter == 'F'	  ? "full"
				  : letter == 'D' ? "diff"
								  : "incr",
				  "database", "id", 1, "repo-key", 1, "archive", "start", wal, "stop", wal,
				  "timestamp", "stop", (json_int_t) NOW - (json_int_t) given->age * DAY_S);
	json_put_text(backup, "prior", given->prior[0] ? given->prior : NULL);
	if (given->pin)
		json_object_set_new(backup, "annotation",
							given->pin[0] == '^' ? json_pack("{s:s}", "way-back", given->pin + 1)
												 : json_pack("{s:s}", "pinned", given->pin));
	return backup;
}

static json_t *
stanza_of(const Given *given, int count)
{
	json_t *stanza = json_pack("{s:[], s:[{s:{s:i, s:i}, s:s, s:s, s:s}]}", "backup", "archive",
							   "database", "id", 1, "repo-key", 1, "id", "15-1", "min",
							   "000000010000000000000001", "max", "0000000100000000000000FF");

	for (int i = 0; i < count; i++)
		json_array_append_new(json_object_get(stanza, "backup"), backup_of(&given[i], i + 1));
	return stanza;
}

typedef struct Wanted
{
	const char *expires;
	const char *kept;
	bool point_in_time;
} Wanted;

static void
check(RetentionSettings settings, const Given *given, const Wanted *wanted, int count)
{
	json_t *stanza = stanza_of(given, count);
	RetentionHistory history;
	PgbrError error;
	char words[RETENTION_WORDS_SIZE];

	settings.repo = 1;
	assert_true(retention_read(stanza, &history, &error));
	assert_int_equal(history.count, count);
	retention_decide(&history, &settings, 1, NOW);
	for (int i = 0; i < count; i++)
	{
		assert_string_equal(history.backups[i].label, given[i].label);
		retention_expires_words(&history, i, words);
		assert_string_equal(words, wanted[i].expires);
		retention_kept_words(&history, i, words);
		assert_string_equal(words, wanted[i].kept);
		assert_int_equal(history.backups[i].point_in_time, wanted[i].point_in_time);
	}
	retention_done(&history);
	json_decref(stanza);
}

#define CHECK(settings, given, wanted) \
	check(settings, given, wanted, (int) (sizeof(given) / sizeof(given[0])))

static void
test_count(void **state)
{
	static const Given given[] = {
		{"20261101-000000F", "", 30, NULL},
		{"20261102-000000F", "", 29, NULL},
		{"20261103-000000F", "", 28, NULL},
		{"20261104-000000F", "", 27, NULL},
	};
	static const Wanted three[] = {
		{"at the next expire", "", false},
		{"after 1 more full backup", "one of the 3 newest full backups", true},
		{"after 2 more full backups", "one of the 3 newest full backups", true},
		{"after 3 more full backups", "one of the 3 newest full backups", true},
	};
	static const Wanted less_wal[] = {
		{"at the next expire", "", false},
		{"after 1 more full backup", "one of the 3 newest full backups", false},
		{"after 2 more full backups", "one of the 3 newest full backups", false},
		{"after 3 more full backups", "one of the 3 newest full backups", true},
	};
	static const Wanted one[] = {
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"after 1 more full backup", "the newest full backup", true},
	};
	static const Wanted none[] = {
		{"never", "no retention of full backups is set", true},
		{"never", "no retention of full backups is set", true},
		{"never", "no retention of full backups is set", true},
		{"never", "no retention of full backups is set", true},
	};
	RetentionSettings settings = {.full = 3, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	CHECK(settings, given, three);
	settings.archive = 1;
	CHECK(settings, given, less_wal);
	settings.archive = 0;
	settings.full = 1;
	CHECK(settings, given, one);
	settings.full = 0;
	CHECK(settings, given, none);
}

/* What a backup depends on takes it along; diffs count with the full ones. */
static void
test_dependents(void **state)
{
	static const Given given[] = {
		{"20261101-000000F", "", 30, NULL},
		{"20261101-000000F_20261102-000000D", "20261101-000000F", 29, NULL},
		{"20261101-000000F_20261103-000000I", "20261101-000000F_20261102-000000D", 28, NULL},
		{"20261101-000000F_20261104-000000D", "20261101-000000F", 27, NULL},
		{"20261105-000000F", "", 26, NULL},
		{"20261105-000000F_20261106-000000I", "20261105-000000F", 25, NULL},
	};
	static const Wanted wanted[] = {
		{"after 1 more full backup", "one of the 2 newest full backups", true},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"after 1 more full or diff backup", "one of the 2 newest full or diff backups", true},
		{"after 2 more full backups", "one of the 2 newest full backups", true},
		{"after 2 more full backups", "kept as long as 20261105-000000F, on which it depends",
		 true},
	};
	static const Wanted by_full[] = {
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"after 1 more full backup", "the newest full backup", true},
		{"after 1 more full backup", "kept as long as 20261105-000000F, on which it depends", true},
	};
	static const Wanted sooner[] = {
		{"after 1 more full backup", "one of the 2 newest full backups", true},
		{"after 1 more full backup, or after 2 more full or diff backups",
		 "one of the 4 newest full or diff backups", true},
		{"after 1 more full backup, or after 2 more full or diff backups",
		 "kept as long as 20261101-000000F_20261102-000000D, on which it depends", true},
		{"after 1 more full backup, or after 3 more full or diff backups",
		 "one of the 4 newest full or diff backups", true},
		{"after 2 more full backups", "one of the 2 newest full backups", true},
		{"after 2 more full backups", "kept as long as 20261105-000000F, on which it depends",
		 true},
	};
	RetentionSettings settings = {.full = 2, .diff = 2, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	CHECK(settings, given, wanted);
	settings.full = 1;
	CHECK(settings, given, by_full);
	settings.full = 2;
	settings.diff = 4;
	CHECK(settings, given, sooner);
}

static void
test_time(void **state)
{
	static const Given given[] = {
		{"20261101-000000F", "", 30, NULL},
		{"20261106-000000F", "", 25, NULL},
		{"20261106-000000F_20261107-000000I", "20261106-000000F", 24, NULL},
		{"20261116-000000F", "", 15, NULL},
		{"20261126-000000F", "", 5, NULL},
	};
	static const Wanted wanted[] = {
		{"at the next expire", "", false},
		{"at the first expire after 2026-12-06T00:00:00Z",
		 "the newest full backup that is 20 days old: the time since is restored from it", true},
		{"at the first expire after 2026-12-06T00:00:00Z",
		 "kept as long as 20261106-000000F, on which it depends", true},
		{"at the first expire after 2026-12-16T00:00:00Z", "not yet 20 days old", true},
		{"20 days after the next full backup", "not yet 20 days old", true},
	};
	RetentionSettings settings = {
		.full = 20, .full_by_time = true, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	CHECK(settings, given, wanted);
}

/* A pin keeps a backup and what it depends on, not what depends on it, and no more WAL. */
static void
test_pins(void **state)
{
	static const Given given[] = {
		{"20261101-000000F", "", 30, NULL},
		{"20261101-000000F_20261102-000000D", "20261101-000000F", 29, "before the merger"},
		{"20261101-000000F_20261103-000000I", "20261101-000000F_20261102-000000D", 28, NULL},
		{"20261105-000000F", "", 26, NULL},
		{"20261106-000000F", "", 25, ""},
	};
	static const Wanted wanted[] = {
		{"never while 20261101-000000F_20261102-000000D is pinned",
		 "20261101-000000F_20261102-000000D depends on it and is pinned", false},
		{"never while it is pinned", "pinned: before the merger", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"never while it is pinned", "pinned", true},
	};
	RetentionSettings settings = {.full = 1, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	CHECK(settings, given, wanted);
}

/* What undo starts from stays with all WAL since, whatever the retention says, until its time. */
static void
test_way_back(void **state)
{
#define BACKUPS(value)                                                              \
	{                                                                               \
		{"20261101-000000F", "", 30, NULL}, {"20261102-000000F", "", 29, NULL},     \
			{"20261102-000000F_20261103-000000I", "20261102-000000F", 28, value},   \
			{"20261105-000000F", "", 26, NULL}, {"20261106-000000F", "", 25, NULL}, \
	}
#define UNTIL "at the first expire after 2026-12-01T00:00:00Z, if no rule keeps it then"
	static const Given held[] = BACKUPS("^20261106T120000-ab12 until 2026-12-01T00:00:00.001Z");
	static const Given over[] = BACKUPS("^20261106T120000-ab12 until 2026-12-01T00:00:00.000Z");
	static const Given endless[] = BACKUPS("^?");
	static const Wanted kept[] = {
		{"at the next expire", "", false},
		{UNTIL, "20261102-000000F_20261103-000000I depends on it and is a way back", true},
		{UNTIL, "the way back of restore 20261106T120000-ab12 until 2026-12-01T00:00:00.001Z",
		 true},
		{"at the next expire", "", false},
		{"after 1 more full backup", "the newest full backup", true},
	};
	static const Wanted kept_for_ever[] = {
		{"at the next expire", "", false},
		{"never while it is a way back",
		 "20261102-000000F_20261103-000000I depends on it and is a way back", true},
		{"never while it is a way back", "the way back of restore ?", true},
		{"at the next expire", "", false},
		{"after 1 more full backup", "the newest full backup", true},
	};
	static const Wanted gone[] = {
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"at the next expire", "", false},
		{"after 1 more full backup", "the newest full backup", true},
	};
	static const struct
	{
		PgbrBackupType type;
		int archive;
		const Given *given;
		int count;
	} counts[] = {
		/* the full one that it depends on and the newest; all three of these; the newest */
		{PGBR_BACKUP_FULL, 0, held, 2},
		{PGBR_BACKUP_INCR, 1, held, 2},
		{PGBR_BACKUP_FULL, 0, over, 1},
	};
	RetentionSettings settings = {.repo = 1, .full = 1, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	CHECK(settings, held, kept);
	CHECK(settings, over, gone);
	CHECK(settings, endless, kept_for_ever);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
	{
		json_t *stanza = stanza_of(counts[i].given, 5);
		RetentionHistory history;
		PgbrError error;

		settings.archive_type = counts[i].type;
		settings.archive = counts[i].archive;
		assert_true(retention_read(stanza, &history, &error));
		assert_true(history.pinned);
		retention_decide(&history, &settings, 1, NOW);
		assert_int_equal(retention_archive_count(&history, &settings), counts[i].count);
		retention_done(&history);
		json_decref(stanza);
	}
	assert_true(retention_way_back_is_of("20261106T120000-ab12 until x", "20261106T120000-ab12"));
	assert_false(retention_way_back_is_of("20261106T120000-ab12 until x", "20261106T120000-ab1"));
#undef UNTIL
#undef BACKUPS
}

/* The documentation's examples: of seven full backups five stay, of diffs three. */
static void
test_documented(void **state)
{
	Given given[7];
	char labels[7][20];
	json_t *stanza;
	RetentionHistory history;
	PgbrError error;
	RetentionSettings settings = {.repo = 1, .full = 5, .archive_type = PGBR_BACKUP_FULL};

	(void) state;
	for (int i = 0; i < 7; i++)
	{
		snprintf(labels[i], sizeof(labels[i]), "2026110%d-000000F", i + 1);
		given[i] = (Given){labels[i], "", 30 - i, NULL};
	}
	stanza = stanza_of(given, 7);
	assert_true(retention_read(stanza, &history, &error));
	retention_decide(&history, &settings, 1, NOW);
	for (int i = 0; i < 7; i++)
		assert_int_equal(history.backups[i].goes, i < 2);
	assert_int_equal(history.wals[0].from, 2);
	assert_int_equal(retention_archive_count(&history, &settings), 5);
	retention_done(&history);
	json_decref(stanza);
}

/* Two repositories are counted apart, however the document mixes them. */
static void
test_repositories(void **state)
{
	static const struct
	{
		int repo;
		Given given;
		bool goes;
	} rows[] = {
		{1, {"20261101-000000F", "", 30, NULL}, true},
		{2, {"20261102-000000F", "", 29, NULL}, true},
		{2, {"20261103-000000F", "", 28, NULL}, false},
		{1, {"20261104-000000F", "", 27, NULL}, false},
		{2, {"20261103-000000F_20261105-000000I", "20261103-000000F", 26, NULL}, false},
		{1, {"20261101-000000F_20261106-000000I", "20261101-000000F", 25, NULL}, true},
	};
	static const RetentionSettings settings[] = {
		{.repo = 1, .full = 1, .archive_type = PGBR_BACKUP_FULL},
		{.repo = 2, .full = 1, .archive_type = PGBR_BACKUP_FULL},
	};
	static const char *const sorted[] = {"20261101-000000F", "20261101-000000F_20261106-000000I",
										 "20261104-000000F", "20261102-000000F",
										 "20261103-000000F", "20261103-000000F_20261105-000000I"};
	json_t *stanza = stanza_of(NULL, 0);
	RetentionHistory history;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < 6; i++)
	{
		json_t *backup = backup_of(&rows[i].given, (int) i + 1);

		json_object_set_new(json_object_get(backup, "database"), "repo-key",
							json_integer(rows[i].repo));
		json_array_append_new(json_object_get(stanza, "backup"), backup);
	}
	assert_true(retention_read(stanza, &history, &error));
	retention_decide(&history, settings, 2, NOW);
	assert_int_equal(history.count, 6);
	for (int i = 0; i < 6; i++)
	{
		const RetentionBackup *backup = &history.backups[i];

		assert_string_equal(backup->label, sorted[i]);
		assert_int_equal(backup->repo, i < 3 ? 1 : 2);
		assert_int_equal(backup->prior, i == 1 ? 0 : i == 5 ? 4 : -1);
		for (size_t j = 0; j < 6; j++)
		{
			if (strcmp(rows[j].given.label, sorted[i]) == 0)
				assert_int_equal(backup->goes, rows[j].goes);
		}
	}
	retention_done(&history);
	json_decref(stanza);
}

/* What pgbackrest would never print must do no harm. */
static void
test_strange(void **state)
{
	static const char *const documents[] = {
		"{}",
		"{\"backup\": null, \"archive\": 3}",
		"{\"backup\": [], \"archive\": []}",
	};
	PgbrError error;
	RetentionHistory history;
	json_t *stanza;

	(void) state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
	{
		stanza = json_parse(documents[i], strlen(documents[i]), &error);
		assert_true(retention_read(stanza, &history, &error));
		retention_decide(&history, NULL, 0, NOW);
		retention_done(&history);
		retention_done(&history);
		json_decref(stanza);
	}
	/* it is its own prior */
	stanza = json_pack("{s:[{s:s, s:s, s:s}]}", "backup", "label", "20261122-100000F", "type",
					   "incr", "prior", "20261122-100000F");
	assert_true(retention_read(stanza, &history, &error));
	assert_int_equal(history.backups[0].prior, -1);
	retention_decide(&history, NULL, 0, NOW);
	retention_done(&history);
	json_decref(stanza);
}

/* What a repository that was tampered with may hold is refused, or can be shown in a line. */
static void
test_hostile(void **state)
{
	static const char *const refused[] = {
		"{'label':'20261122-100000F'}",
		"{'label':'x','type':'full'}",
		"{'label':'20261122-100000F\\n','type':'full'}",
		"{'label':'20261122-100000F','type':'full','database':{'repo-key':0}}",
		"{'label':'20261122-100000F','type':'full','database':{'repo-key':4294967297}}",
		"{'label':'20261122-100000F','type':'full','timestamp':{'stop':9223372036854775807}}",
		"{'label':'20261122-100000F','type':'full','timestamp':{'stop':-1}}",
		"{'label':'20261122-100000F','type':'full','archive':{'start':'../../etc'}}",
		/* an expire of the second would remove the first, which is pinned */
		"{'label':'20261122-100000F','type':'full','annotation':{'pinned':'x'}},"
		"{'label':'20261122-100000F','type':'full'}",
	};
	static const char document[] =
		"{'backup':[{'label':'20261122-100000F','type':'full','annotation':{'pinned':"
		"'a\\nb\\u001b[2J'}}],'archive':[{'id':'15-1/../../etc','min':'x','database':{'id':1}}]}";
	char words[RETENTION_WORDS_SIZE];
	char text[512];
	RetentionHistory history;
	PgbrError error;
	json_t *stanza;

	(void) state;
	for (size_t i = 0; i <= sizeof(refused) / sizeof(refused[0]); i++)
	{
		bool last = i == sizeof(refused) / sizeof(refused[0]);

		snprintf(text, sizeof(text), last ? "%s" : "{'backup':[%s]}", last ? document : refused[i]);
		for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
			*quote = '"';
		stanza = json_parse(text, strlen(text), &error);
		assert_non_null(stanza);
		if (retention_read(stanza, &history, &error) != last)
			fail_msg("%s", text);
		if (last)
		{
			retention_decide(&history, NULL, 0, NOW);
			retention_kept_words(&history, 0, words);
			assert_string_equal(words, "pinned: a b\\x1B[2J");
			assert_null(history.wals[0].archive_id);
			assert_null(history.wals[0].first);
			retention_done(&history);
		}
		else
			assert_int_equal(error.code, PGBR_ERROR_PROTOCOL);
		json_decref(stanza);
	}
}

static RetentionSettings
settings_of(const json_t *object)
{
	RetentionSettings settings = {
		.repo = (int) json_number(object, "repo", 1),
		.full = (int) json_number(object, "full", 0),
		.full_by_time = json_flag(object, "full_by_time"),
		.diff = (int) json_number(object, "diff", 0),
		.archive = (int) json_number(object, "archive", 0),
	};

	if (!pgbr_backup_type_parse(json_text(object, "archive_type"), &settings.archive_type))
		abort();
	return settings;
}

static json_t *
decided_backup(const RetentionHistory *history, const RetentionBackup *backup)
{
	bool root = backup->goes && (backup->prior < 0 || !history->backups[backup->prior].goes);

	return json_pack("{s:s, s:b, s:b, s:b, s:i, s:i, s:I}", "label", backup->label, "goes",
					 backup->goes, "would_go", backup->would_go, "root", root, "after_full",
					 backup->after_full, "after_diff", backup->after_diff, "at",
					 (json_int_t) backup->at);
}

static void
answer(const json_t *question)
{
	RetentionSettings settings = settings_of(json_object_get(question, "settings"));
	RetentionHistory history;
	PgbrError error;
	json_t *backups = json_array();
	json_t *wals = json_array();
	json_t *object;

	if (!retention_read(json_object_get(question, "stanza"), &history, &error))
		abort();
	retention_decide(&history, &settings, 1, json_number(question, "now", 0));
	for (int i = 0; i < history.count; i++)
		json_array_append_new(backups, decided_backup(&history, &history.backups[i]));
	for (int i = 0; i < history.wal_count; i++)
		json_array_append_new(
			wals, json_pack("{s:i, s:b, s:s?}", "database", history.wals[i].database, "expires",
							history.wals[i].expires, "from",
							history.wals[i].from >= 0 ? history.backups[history.wals[i].from].label
													  : NULL));
	object = json_pack("{s:o, s:o, s:i}", "backups", backups, "wal", wals, "archive_count",
					   retention_archive_count(&history, &settings));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	retention_done(&history);
}

static int
answer_all(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	PgbrError error;

	while ((length = getline(&line, &size, stdin)) > 0)
	{
		json_t *question = json_parse(line, (size_t) length, &error);

		if (question == NULL)
			abort();
		answer(question);
		json_decref(question);
	}
	free(line);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),		 cmocka_unit_test(test_dependents),
		cmocka_unit_test(test_time),		 cmocka_unit_test(test_pins),
		cmocka_unit_test(test_documented),	 cmocka_unit_test(test_strange),
		cmocka_unit_test(test_repositories), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_way_back),
	};

	if (argc == 2 && strcmp(argv[1], "decide") == 0)
		return answer_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
