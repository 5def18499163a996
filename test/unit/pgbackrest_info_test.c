// links:
/*
 * pgbackrest_info_test.c
 *		What is read of pgbackrest's info document: all of it, and what stands for a field that is
 *		not there or of another type.
 */
#include "program/json.h"
#include "program/pgbackrest_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char document_text[] =
	"[{'name': 'other', 'backup': [{'label': 'of-other', 'type': 'full'}]},"
	" {'name': 'main', 'cipher': 'aes-256-cbc',"
	"  'status': {'code': 2, 'message': 'no valid backups', 'lock': {"
	"   'backup': {'held': true, 'size': 300, 'size-cplt': 100}, 'restore': {'held': false}}},"
	"  'repo': [{'key': 1, 'cipher': 'none', 'status': {'code': 0, 'message': 'ok'}}, {}],"
	"  'db': [{'id': 1, 'repo-key': 2, 'system-id': 7000000000000000001, 'version': '14'},"
	"   {'id': 2, 'repo-key': 2, 'system-id': 7000000000000000002, 'version': '15'}],"
	"  'archive': [{'database': {'id': 2, 'repo-key': 2}, 'id': '15-2', 'min': 'A', 'max': 'B'}, "
	"{}],"
	"  'backup': ["
	"   {'label': 'F1', 'type': 'full', 'backrest': {'version': '2.45'},"
	"    'database': {'id': 2, 'repo-key': 2}, 'error': true,"
	"    'timestamp': {'start': 100, 'stop': 110}, 'lsn': {'start': '0/1', 'stop': '0/2'},"
	"    'archive': {'start': 'A', 'stop': 'B'}, 'annotation': {'pinned': 'why'},"
	"    'info': {'size': 1, 'delta': 2, 'repository': {"
	"     'size': 3, 'delta': 4, 'size-map': 5, 'delta-map': 6}}},"
	"   {'label': 'I2', 'type': 'incr', 'prior': 'F1', 'reference': ['F1'],"
	"    'timestamp': {'start': 120, 'stop': 130}, 'database-ref': [{}, {}]},"
	"   {'label': 7, 'type': 'strange', 'timestamp': 'never', 'error': 'yes', 'info': {"
	"    'repository': {'size-map': null}}, 'lsn': [], 'database': {'id': '2'}}]}]";

static json_t *document;
static const json_t *stanza;

static int
read_document(void **state)
{
	static char text[sizeof(document_text)];
	PgbrError error;

	(void) state;
	memcpy(text, document_text, sizeof(text));
	for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
		*quote = '"';
	document = json_parse(text, strlen(text), &error);
	stanza = info_find_stanza(document, "main");
	return stanza ? 0 : -1;
}

static int
free_document(void **state)
{
	(void) state;
	json_decref(document);
	return 0;
}

static void
test_stanza(void **state)
{
	InfoStanza read;

	(void) state;
	assert_null(info_find_stanza(document, "mai"));
	assert_null(info_find_stanza(NULL, "main"));
	info_stanza_read(stanza, &read);
	assert_string_equal(read.name, "main");
	assert_string_equal(read.cipher, "aes-256-cbc");
	assert_int_equal(read.status.code, INFO_STATUS_NO_BACKUPS);
	assert_string_equal(read.status.message, "no valid backups");
	assert_true(read.backup_lock.held && !read.restore_lock.held);
	assert_int_equal(read.backup_lock.bytes_total, 300);
	assert_int_equal(read.backup_lock.bytes_done, 100);
	assert_int_equal(read.restore_lock.bytes_total, 0);
	info_stanza_read(NULL, &read);
	assert_null(read.name);
	assert_int_equal(read.status.code, INFO_STATUS_OTHER);
	assert_false(read.backup_lock.held);
}

static void
test_lists(void **state)
{
	InfoRepo repo;
	InfoDatabase database;
	InfoArchive archive;

	(void) state;
	assert_true(info_repo_at(stanza, 0, &repo));
	assert_int_equal(repo.key, 1);
	assert_string_equal(repo.cipher, "none");
	assert_int_equal(repo.status.code, INFO_STATUS_OK);
	assert_true(info_repo_at(stanza, 1, &repo));
	assert_int_equal(repo.status.code, INFO_STATUS_OTHER);
	assert_null(repo.status.message);
	assert_false(info_repo_at(stanza, 2, &repo));
	assert_true(info_database_at(stanza, 1, &database));
	assert_int_equal(database.repo, 2);
	assert_int_equal(database.id, 2);
	assert_true(database.system_id == 7000000000000000002);
	assert_false(info_database_at(stanza, 2, &database));
	assert_string_equal(info_database_version(stanza, 2, 1), "14");
	assert_string_equal(info_database_version(stanza, 2, 2), "15");
	assert_null(info_database_version(stanza, 1, 2));
	assert_int_equal(info_archive_count(stanza), 2);
	assert_true(info_archive_at(stanza, 0, &archive));
	assert_int_equal(archive.repo, 2);
	assert_int_equal(archive.database, 2);
	assert_string_equal(archive.id, "15-2");
	assert_string_equal(archive.min, "A");
	assert_string_equal(archive.max, "B");
	assert_true(info_archive_at(stanza, 1, &archive));
	assert_int_equal(archive.repo, 1);
	assert_null(archive.id);
	assert_false(info_archive_at(NULL, 0, &archive));
}

static void
test_backups(void **state)
{
	InfoBackup backup;

	(void) state;
	assert_int_equal(info_backup_count(stanza), 3);
	assert_true(info_backup_at(stanza, 0, &backup));
	assert_string_equal(backup.label, "F1");
	assert_string_equal(backup.type, "full");
	assert_null(backup.prior);
	assert_string_equal(backup.pgbackrest_version, "2.45");
	assert_int_equal(backup.repo, 2);
	assert_int_equal(backup.database, 2);
	assert_true(backup.error);
	assert_int_equal(backup.start, 100);
	assert_int_equal(backup.stop, 110);
	assert_string_equal(backup.lsn_start, "0/1");
	assert_string_equal(backup.lsn_stop, "0/2");
	assert_string_equal(backup.wal_start, "A");
	assert_string_equal(backup.wal_stop, "B");
	assert_int_equal(backup.size, 1);
	assert_int_equal(backup.delta, 2);
	assert_int_equal(backup.repo_size, 3);
	assert_int_equal(backup.repo_delta, 4);
	assert_int_equal(backup.repo_size_map, 5);
	assert_int_equal(backup.repo_delta_map, 6);
	assert_string_equal(info_annotation(&backup, "pinned"), "why");
	assert_null(info_annotation(&backup, "timestamp"));
	assert_true(info_backup_at(stanza, 1, &backup));
	assert_string_equal(backup.prior, "F1");
	assert_int_equal(backup.repo, 1);
	assert_int_equal(json_array_size(backup.references), 1);
	assert_int_equal(json_array_size(backup.database_ref), 2);
	assert_null(info_annotation(&backup, "pinned"));
	/* other types than pgbackrest's are as if nothing were told */
	assert_true(info_backup_at(stanza, 2, &backup));
	assert_null(backup.label);
	assert_false(backup.error);
	assert_int_equal(backup.stop, 0);
	assert_int_equal(backup.database, 0);
	assert_int_equal(backup.repo_delta, -1);
	assert_int_equal(backup.repo_size_map, -1);
	assert_null(backup.lsn_start);
	assert_false(info_backup_at(stanza, 3, &backup));
}

static void
test_found(void **state)
{
	InfoBackup last[PGBR_BACKUP_FULL + 1];
	InfoBackup backup;

	(void) state;
	info_last_backups(stanza, last);
	assert_string_equal(last[PGBR_BACKUP_FULL].label, "F1");
	assert_string_equal(last[PGBR_BACKUP_DIFF].label, "F1");
	assert_string_equal(last[PGBR_BACKUP_INCR].label, "I2");
	info_last_backups(NULL, last);
	assert_null(last[PGBR_BACKUP_FULL].type);
	assert_true(info_find_backup(document, "of-other", &backup));
	assert_true(info_find_backup(document, "I2", &backup));
	assert_int_equal(backup.stop, 130);
	assert_false(info_find_backup(document, "F2", &backup));
	assert_int_equal(info_time(253402300799), 253402300799);
	assert_int_equal(info_time(253402300800), 0);
	assert_int_equal(info_time(-1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stanza),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_backups),
		cmocka_unit_test(test_found),
	};

	return cmocka_run_group_tests(tests, read_document, free_document);
}
