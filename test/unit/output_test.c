// links: ctl/print/output ctl/print/table ctl/print/text ctl/print/fields ctl/print/units
/*
 * output_test.c
 *		The formats of the control binary. What is expected of the tables was printed by psql 15.
 */
#include "ctl/print/fields.h"
#include "ctl/print/output.h"
#include "program/json.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Three columns, the second of numbers; rows as texts in order, ended by END. */
#define END ((const char *) -1)

static void
expect_table(const char *names, const char *const *cells, OutputFormat format, int columns,
			 const char *wanted)
{
	char copy[256];
	char *next = NULL;
	int count = 0;
	Table table;
	StrBuf out;

	snprintf(copy, sizeof(copy), "%s", names);
	table_init(&table);
	for (char *name = strtok_r(copy, " ", &next); name; name = strtok_r(NULL, " ", &next))
		table_add_column(&table, name, count++ == 1);
	for (; *cells != END; cells++)
		table_add(&table, *cells);
	strbuf_init(&out);
	output_put_table(&table, format, columns, &out);
	assert_false(out.failed);
	assert_string_equal(out.data, wanted);
	strbuf_done(&out);
	table_done(&table);
}

static void
test_aligned(void **state)
{
	static const char *const lines[] = {"a", "123", "x=1\nyy=2", END};
	static const char *const wide[] = {"ä漢字",
									   "5",
									   "a\tb\rc\x01"
									   "d\xC2\x85",
									   NULL,
									   "77777",
									   "",
									   END};
	static const char *const none[] = {END};
	static const char *const last[] = {"a\nbb", "1", "b", "x", "2", "", END};

	(void) state;
	expect_table("label size annotation", lines, OUTPUT_PRETTY, 0,
				 " label | size | annotation \n"
				 "-------+------+------------\n"
				 " a     |  123 | x=1       +\n"
				 "       |      | yy=2\n"
				 "(1 row)\n\n");
	expect_table("longer_header v ctl", wide, OUTPUT_PRETTY, 0,
				 " longer_header |   v   |           ctl           \n"
				 "---------------+-------+-------------------------\n"
				 " ä漢字         |     5 | a       b\\rc\\x01d\\u0085\n"
				 "               | 77777 | \n"
				 "(2 rows)\n\n");
	expect_table("a b c", none, OUTPUT_PRETTY, 0,
				 " a | b | c \n"
				 "---+---+---\n"
				 "(0 rows)\n\n");
	expect_table("a b c", last, OUTPUT_PRETTY, 0,
				 " a  | b | c \n"
				 "----+---+---\n"
				 " a +| 1 | b\n"
				 " bb |   | \n"
				 " x  | 2 | \n"
				 "(2 rows)\n\n");
}

static void
test_expanded(void **state)
{
	static const char *const lines[] = {"1", "a", "x=1\nyy=2", "2", NULL, "", END};
	static const char *const wide[] = {"a", "a very long valueeeeeeeeeeeeeee", "z", END};

	(void) state;
	/* chosen by width: the aligned table is 24 columns wide */
	expect_table("n label annotation", lines, OUTPUT_PRETTY, 23,
				 "-[ RECORD 1 ]----\n"
				 "n          | 1\n"
				 "label      | a\n"
				 "annotation | x=1 +\n"
				 "           | yy=2\n"
				 "-[ RECORD 2 ]----\n"
				 "n          | 2\n"
				 "label      | \n"
				 "annotation | \n\n");
	expect_table("aaaaaaaaaaaaaaaaaaaaa b c", wide, OUTPUT_PRETTY, 23,
				 "-[ RECORD 1 ]---------+--------------------------------\n"
				 "aaaaaaaaaaaaaaaaaaaaa | a\n"
				 "b                     | a very long valueeeeeeeeeeeeeee\n"
				 "c                     | z\n\n");
	/* just fits */
	expect_table("n label annotation", (const char *const[]){"1", "a", "b", END}, OUTPUT_PRETTY, 24,
				 " n | label | annotation \n"
				 "---+-------+------------\n"
				 " 1 |     a | b\n"
				 "(1 row)\n\n");
}

static void
test_tsv(void **state)
{
	static const char *const cells[] = {"a\tb", NULL, "x\ny", "\\", "2", "", END};

	(void) state;
	expect_table("a b c", cells, OUTPUT_TSV, 10, "a\tb\tc\na\\tb\t\\N\tx\\ny\n\\\\\t2\t\n");
}

/* A table that lost a cell for want of memory must not be printed as if it were whole. */
static void
test_failed_table(void **state)
{
	Table table;
	StrBuf out;
	PgbrError error;

	(void) state;
	for (int format = OUTPUT_PRETTY; format <= OUTPUT_TSV; format++)
	{
		table_init(&table);
		table_add_column(&table, "a", false);
		table.failed = true;
		strbuf_init(&out);
		output_put_table(&table, (OutputFormat) format, 0, &out);
		assert_true(out.failed);
		assert_false(output_print(stdout, &out, &error));
		assert_int_equal(error.code, PGBR_ERROR_INTERNAL);
		strbuf_done(&out);
		table_done(&table);
	}
}

static void
expect_document(const char *json, OutputFormat format, const char *wanted)
{
	PgbrError error;
	json_t *document = json_parse(json, strlen(json), &error);
	StrBuf out;

	assert_non_null(document);
	strbuf_init(&out);
	output_put_document(document, format, &out);
	assert_false(out.failed);
	assert_string_equal(out.data, wanted);
	strbuf_done(&out);
	json_decref(document);
}

static void
test_json(void **state)
{
	(void) state;
	expect_document(
		"{\"b\":1,\"a\":[0.1,null,true],\"c\":{}}", OUTPUT_JSON,
		"{\n  \"b\": 1,\n  \"a\": [\n    0.1,\n    null,\n    true\n  ],\n  \"c\": {}\n}\n");
	/* C0 is escaped by the writer, DEL, C1 and turned directions by us */
	expect_document("{\"a\":\"\\u001b\\u007f\\u009b\\u202e\xC3\xA4\"}", OUTPUT_JSON,
					"{\n  \"a\": \"\\u001B\\u007F\\u009B\\u202Eä\"\n}\n");
}

static void
test_yaml(void **state)
{
	(void) state;
	expect_document("{\"b\":1,\"a\":[0.1,null,true],\"c\":{},\"d\":[],\"e\":\"plain text\"}",
					OUTPUT_YAML, "b: 1\na:\n- 0.1\n- null\n- true\nc: {}\nd: []\ne: plain text\n");
	/* texts that a reader would take for something else */
	expect_document("[\"\",\"1\",\"0x1F\",\"1:30\",\"2026-11-22\",\"true\",\"Yes\",\"n\",\"null\","
					"\"~\",\".inf\",\"-1\",\"<<\",\"=\",\"nothing\"]",
					OUTPUT_YAML,
					"- ''\n- '1'\n- '0x1F'\n- '1:30'\n- '2026-11-22'\n- 'true'\n- 'Yes'\n- 'n'\n"
					"- 'null'\n- '~'\n- '.inf'\n- '-1'\n- '<<'\n- '='\n- nothing\n");
	expect_document("{\"0\":\"a: b\",\"x\":\"\\u001b\\u202eä\",\"y\":\"\\ttab\"}", OUTPUT_YAML,
					"'0': 'a: b'\nx: \"\\e\\u202Eä\"\n'y': \"\\ttab\"\n");
}

static void
test_formats(void **state)
{
	OutputFormat format;

	(void) state;
	assert_true(output_format_parse("yaml", &format));
	assert_int_equal(format, OUTPUT_YAML);
	assert_true(output_is_document(format));
	assert_true(output_format_parse("tsv", &format));
	assert_false(output_is_document(format));
	assert_false(output_format_parse("", &format));
	assert_false(output_format_parse("JSON", &format));
}

static void
test_fields(void **state)
{
	static const Field fields[] = {
		{"text", "a.b", FIELD_TEXT},  {"percent", "p", FIELD_PERCENT}, {"size", "s", FIELD_SIZE},
		{"time", "s", FIELD_SECONDS}, {"epoch", "e", FIELD_EPOCH},	   {"flag", "f", FIELD_FLAG},
		{"pairs", "o", FIELD_PAIRS},  {"n", "s", FIELD_NUMBER},		   {NULL},
	};
	static const char *const documents[] = {
		"{\"a\":{\"b\":\"t\"},\"p\":45,\"s\":3725,\"e\":0,\"f\":true,\"o\":{\"k\":\"v\",\"l\":"
		"\"w\"}}",
		"{\"a\":null,\"p\":null,\"f\":null,\"o\":{}}",
		"{\"a\":{\"b\":1},\"p\":\"x\",\"s\":\"x\",\"e\":1.5,\"f\":\"t\",\"o\":[]}",
	};
	Table table;
	StrBuf out;
	PgbrError error;

	(void) state;
	strbuf_init(&out);
	fields_init_table(&table, fields);
	for (int i = 0; i < 3; i++)
	{
		json_t *object = json_parse(documents[i], strlen(documents[i]), &error);

		fields_add_row(&table, fields, object, true);
		if (i == 0)
			fields_add_row(&table, fields, object, false);
		json_decref(object);
	}
	table_put_tsv(&table, &out);
	assert_string_equal(out.data,
						"text\tpercent\tsize\ttime\tepoch\tflag\tpairs\tn\n"
						"t\t45.0\t3.6KB\t1:02:05\t1970-01-01T00:00:00Z\tt\tk=v\\nl=w\t3725\n"
						"t\t45.0\t3725\t3725\t1970-01-01T00:00:00Z\tt\tk=v\\nl=w\t3725\n"
						"\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n"
						"\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n");
	strbuf_done(&out);
	table_done(&table);
}

static void
expect_fitted(const Table *table, int columns, const char *wanted)
{
	StrBuf out;

	strbuf_init(&out);
	table_put_fitted(table, columns, &out);
	assert_false(out.failed);
	assert_string_equal(out.data, wanted);
	strbuf_done(&out);
}

static void
test_fitted(void **state)
{
	Table table;

	(void) state;
	table_init(&table);
	table_add_column(&table, "name", false);
	table_add_column(&table, "none", false);
	table_add_column(&table, "size", true);
	table_add_column(&table, "why", false);
	expect_fitted(&table, 100, "name  none  size  why\n");
	table_add(&table, "漢字");
	table_add(&table, NULL);
	table_add(&table, "1");
	table_add(&table, "a reason that is given in words");
	table_add(&table, "second");
	table_add(&table, "");
	table_add(&table, "1000");
	table_add(&table, NULL);
	expect_fitted(&table, 45,
				  "name    size  why\n"
				  "漢字       1  a reason that is given in words\n"
				  "second  1000\n");
	expect_fitted(&table, 30,
				  "name    size  why\n"
				  "漢字       1  a reason that is\n"
				  "              given in words\n"
				  "second  1000\n");
	/* narrower than words are wrapped to: whatever is widest */
	expect_fitted(&table, 20,
				  "name    size  why\n"
				  "漢字       1  a\n"
				  "              reason\n"
				  "              that\n"
				  "              is\n"
				  "              given\n"
				  "              in\n"
				  "              words\n"
				  "second  1000\n");
	/* and words, too */
	expect_fitted(&table, 17,
				  "name  size  why\n"
				  "漢字     1  a\n"
				  "            reaso\n"
				  "            n\n"
				  "            that\n"
				  "            is\n"
				  "            given\n"
				  "            in\n"
				  "            words\n"
				  "seco  1000\n"
				  "nd\n");
	table_done(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fitted),		 cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_expanded),	 cmocka_unit_test(test_tsv),
		cmocka_unit_test(test_failed_table), cmocka_unit_test(test_json),
		cmocka_unit_test(test_yaml),		 cmocka_unit_test(test_formats),
		cmocka_unit_test(test_fields),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
