/*
 * vocabulary_test.c
 *		The shared words, there and back, and the grammar that values from outside are held to.
 */
#include "common/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define X64 X60 "xxxx"

static void
test_backup_types(void **state)
{
	static const char *const names[] = {"incr", "diff", "full"};
	PgbrBackupType type = PGBR_BACKUP_FULL;

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		assert_string_equal(pgbr_backup_type_name(i), names[i]);
		assert_true(pgbr_backup_type_parse(names[i], &type));
		assert_int_equal(type, i);
		assert_non_null(strstr(PGBR_BACKUP_TYPES, names[i]));
	}
	/* the order is their strength */
	assert_true(PGBR_BACKUP_INCR < PGBR_BACKUP_DIFF && PGBR_BACKUP_DIFF < PGBR_BACKUP_FULL);
	assert_string_equal(pgbr_backup_type_name(3), "unknown");
	assert_string_equal(pgbr_backup_type_name(-1), "unknown");
	assert_false(pgbr_backup_type_parse("Full", &type));
	assert_false(pgbr_backup_type_parse("full ", &type));
	assert_false(pgbr_backup_type_parse("", &type));
	assert_int_equal(type, PGBR_BACKUP_FULL);
}

static void
test_job_kinds(void **state)
{
	static const char *const names[] = {
		"backup",		  "expire",		  "verify",		  "check",		  "stanza-create",
		"stanza-upgrade", "annotate",	  "node-mark",	  "node-stop",	  "node-archive",
		"node-keep",	  "node-restore", "node-recover", "node-unfence",
	};
	char all[200] = "";
	PgbrJobKind kind = PGBR_JOB_CHECK;

	(void) state;
	for (int i = 0; i < 14; i++)
	{
		assert_string_equal(pgbr_job_kind_name(i), names[i]);
		assert_true(pgbr_job_kind_parse(names[i], &kind));
		assert_int_equal(kind, i);
		assert_int_equal(pgbr_job_kind_is_step(kind), strncmp(names[i], "node-", 5) == 0);
		strcat(strcat(all, i > 0 ? ", " : ""), names[i]);
	}
	assert_string_equal(PGBR_JOB_KINDS, all);
	assert_string_equal(pgbr_job_kind_name(PGBR_JOB_NODE_UNFENCE + 1), "unknown");
	assert_false(pgbr_job_kind_parse("restore", &kind));
	assert_false(pgbr_job_kind_parse("unknown", &kind));
}

static void
test_job_states(void **state)
{
	static const struct
	{
		const char *name;
		bool is_final;
	} states[] = {{"queued", false}, {"running", false},  {"succeeded", true},
				  {"failed", true},	 {"cancelled", true}, {"interrupted", true}};
	char all[200] = "";
	PgbrJobState value = PGBR_STATE_QUEUED;

	(void) state;
	for (int i = 0; i < 6; i++)
	{
		assert_string_equal(pgbr_job_state_name(i), states[i].name);
		assert_true(pgbr_job_state_parse(states[i].name, &value));
		assert_int_equal(value, i);
		assert_int_equal(pgbr_job_state_is_final(value), states[i].is_final);
		strcat(strcat(all, i > 0 ? ", " : ""), states[i].name);
	}
	assert_string_equal(PGBR_JOB_STATES, all);
	assert_string_equal(pgbr_job_state_name(6), "unknown");
	assert_false(pgbr_job_state_parse("canceled", &value));
}

typedef bool (*Grammar)(const char *text);

static void
check_grammar(const char *name, Grammar is, const char *const *good, const char *const *bad)
{
	for (; *good; good++)
	{
		if (!is(*good))
			fail_msg("%s: \"%s\" was refused", name, *good);
	}
	for (; *bad; bad++)
	{
		if (is(*bad))
			fail_msg("%s: \"%s\" was taken", name, *bad);
	}
}

#define LIST(...)         \
	(const char *const[]) \
	{                     \
		__VA_ARGS__, NULL \
	}
#define CHECK(is, good, bad) check_grammar(#is, is, good, bad)

/* What no value from outside may hold that gets into an argv. */
#define HOSTILE                                                                                 \
	"", "-", "-x", "--repo1-path=/x", "a b", " a", "a ", "a\n", "\na", "a\tb", "a'b", "a\"b",   \
		"a`b", "a$b", "a\\b", "a/b", "a;b", "a|b", "a&b", "a<b", "a*b", "a?b", "a=b", "a#b",    \
		"a%b", "a,b", "a(b", "a[b", "a{b", "a~b", "a!b", "a@b", "a^b", "a+b", "a\x01", "a\x7f", \
		"\xc3\xa9", "a\x80", X64 "x", X64 X64

static void
test_words(void **state)
{
	(void) state;
	CHECK(pgbr_is_job_id,
		  LIST("a", "0", "20240913T1104", "550e8400-e29b-41d4-a716-446655440000", "a.b:c_d-e", ":",
			   "_", ".", "..", X64),
		  LIST(HOSTILE));
	CHECK(pgbr_is_archive_id, LIST("15-1", "9.6-12", "10-1"),
		  LIST(HOSTILE, "15", "15-", "-1", "15-1/../../../../etc", "15-1 ", "15-1\n", "9.-1", "9.6",
			   "9.6-", "9.6-1-2", "9.6.1-1", "15-x", "15-1234567", "."));
	CHECK(pgbr_is_stanza, LIST("main", "Main-2", "a.b_c", "_", "0", X64),
		  LIST(HOSTILE, ".", "..", ".main", "a:b"));
	CHECK(pgbr_is_annotation_key, LIST("timestamp", "a.b_c-d", ".a", "0", X64),
		  LIST(HOSTILE, "a:b"));
}

static void
test_backup_label(void **state)
{
	(void) state;
	CHECK(pgbr_is_backup_label,
		  LIST("20240919-000001F", "20240919-000001F_20240920-123456D",
			   "20240919-000001F_20240920-123456I"),
		  LIST("", "20240919-000001", "20240919-000001D", "20240919-000001I", "20240919-000001f",
			   "20240919_000001F", "2024091-0000001F", "20240919-00000xF", " 20240919-000001F",
			   "20240919-000001F ", "20240919-000001F_", "20240919-000001F_20240920-123456",
			   "20240919-000001F_20240920-123456F", "20240919-000001F_20240920-123456DD",
			   "20240919-000001F-20240920-123456D", "20240919-000001D_20240920-123456I",
			   "20240919-000001F_20240920-123456D\n", "latest", "-0240919-000001F"));
}

static void
test_lsn_and_segment(void **state)
{
	(void) state;
	CHECK(pgbr_is_lsn, LIST("0/0", "16/B374D848", "FFFFFFFF/ffffffff", "a/B"),
		  LIST("", "/", "0", "0/", "/0", "0/0/0", "100000000/0", "0/100000000", "0x1/0", "g/0",
			   "0/g", " 0/0", "0/0 ", "-1/0", "0-0", "0//0"));
	CHECK(pgbr_is_wal_segment, LIST("000000010000000000000001", "FFFFFFFFFFFFFFFFFFFFFFFF"),
		  LIST("", "00000001000000000000000", "0000000100000000000000011",
			   "00000001000000000000000a", "00000001000000000000000f", "00000001000000000000000G",
			   "00000001000000000000000 ", "000000010000000000000001.partial"));
}

static void
test_option_and_secret(void **state)
{
	(void) state;
	CHECK(pgbr_is_option_name, LIST("a", "repo1-retention-full", "compress-level", "pg256-path"),
		  LIST("", "1", "-x", "--x", "A", "a_b", "a b", "a=b", "[global]", "a\n", "a#",
			   "a1234567890123456789012345678901234567890123456789012345678901234"));
	CHECK(pgbr_is_secret, LIST("x", "a b", "wJalr+EXAMPLE/KEY=", "$HOME", "#1", "p\xc3\xa4ss"),
		  LIST("", " x", "x ", "a'b", "a\"b", "a`b", "a\\b", "a\nb", "a\tb", "\xff"));
	CHECK(pgbr_is_secret_option,
		  LIST("repo1-s3-key", "repo256-s3-key-secret", "repo1-cipher-pass", "repo2-s3-token",
			   "repo-s3-key"),
		  LIST("", "repo1-cipher-type", "repo1-s3-key-type", "s3-key", "pg1-s3-key", "repo1"));
}

static void
test_restore_point(void **state)
{
	(void) state;
	CHECK(pgbr_is_restore_point_name,
		  LIST("a", "before the upgrade", "v2.1", "-x", "a=b;c", "gr\xc3\xbc\xc3\x9f",
			   "\xf0\x9f\x90\x98", X60 "xxx"),
		  LIST("", " a", "a ", " ", "a'b", "a\"b", "a\\b", "a`b", "a\nb", "a\rb", "a\tb", "a\x7f",
			   "\xc2\x85", "\xc3", X64));
}

static void
test_plain_text(void **state)
{
	(void) state;
	assert_true(pgbr_is_plain_text("", 0));
	assert_true(pgbr_is_plain_text("abc", 3));
	assert_false(pgbr_is_plain_text("abcd", 3));
	/* bytes are counted, not characters */
	assert_false(pgbr_is_plain_text("\xc3\xa9\xc3\xa9", 3));
	assert_true(pgbr_is_plain_text("\xc3\xa9\xc3\xa9", 4));
	for (int c = 1; c < 256; c++)
	{
		const char text[] = {'a', (char) c, 'b', '\0'};

		assert_int_equal(pgbr_is_plain_text(text, 10), c >= 0x20 && c < 0x7F);
	}
	/* C1 in UTF-8, and the first character behind it */
	for (int c = 0x80; c < 0xA0; c++)
	{
		const char text[] = {(char) 0xC2, (char) c, '\0'};

		assert_false(pgbr_is_plain_text(text, 10));
	}
	assert_true(pgbr_is_plain_text("\xc2\xa0", 10));
}

/* The bytes of a code point, however large, as UTF-8's rule writes it in that many bytes. */
static size_t
encode(uint32_t point, size_t size, char *bytes)
{
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0, 0xF8};

	if (size == 1)
		bytes[0] = (char) point;
	else
		bytes[0] = (char) (leads[size] | (point >> (6 * (size - 1))));
	for (size_t i = 1; i < size; i++)
		bytes[i] = (char) (0x80 | (point >> (6 * (size - 1 - i)) & 0x3F));
	return size;
}

static bool
is_encoded(uint32_t point, size_t size)
{
	char bytes[8];

	return pgbr_is_utf8(bytes, encode(point, size, bytes));
}

static void
test_utf8(void **state)
{
	char bytes[8];

	(void) state;
	assert_true(pgbr_is_utf8("", 0));
	assert_true(pgbr_is_utf8("a\0b", 3));
	/* every code point, in its own length; no surrogate */
	for (uint32_t point = 0; point <= 0x10FFFF; point++)
	{
		size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
		bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;

		if (is_encoded(point, size) == is_surrogate)
			fail_msg("U+%04X", point);
		/* one byte longer than it needs */
		if (size < 4 && is_encoded(point, size + 1))
			fail_msg("U+%04X, overlong", point);
	}
	assert_false(is_encoded(0x110000, 4));
	assert_false(is_encoded(0x1FFFFF, 4));
	assert_false(is_encoded(0x200000, 5));
	/* cut short, at the end of the bytes and before another character */
	for (size_t size = 2; size <= 4; size++)
	{
		encode(size == 2 ? 0xE9 : size == 3 ? 0x20AC : 0x1F418, size, bytes);
		for (size_t length = 1; length < size; length++)
			assert_false(pgbr_is_utf8(bytes, length));
		bytes[size - 1] = 'a';
		assert_false(pgbr_is_utf8(bytes, size));
	}
	/* what can't begin a character */
	for (int c = 0x80; c < 0x100; c++)
	{
		bytes[0] = (char) c;
		assert_false(pgbr_is_utf8(bytes, 1));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backup_types),	  cmocka_unit_test(test_job_kinds),
		cmocka_unit_test(test_job_states),		  cmocka_unit_test(test_words),
		cmocka_unit_test(test_backup_label),	  cmocka_unit_test(test_lsn_and_segment),
		cmocka_unit_test(test_option_and_secret), cmocka_unit_test(test_restore_point),
		cmocka_unit_test(test_plain_text),		  cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
