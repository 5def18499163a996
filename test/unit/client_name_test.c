// links: sidecar/config/client_name sidecar/config/caller sidecar/http/watched_files
/*
 * client_name_test.c
 *		What the names of client certificates may do, and when a file counts as changed.
 */
#include "sidecar/config/client_name.h"
#include "sidecar/http/watched_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static Scope
scope_of(const char *value, const char *name)
{
	OptionList list = {.values = {value, "other=read"}, .count = 2};
	ClientNames names;
	PgbrError error;

	if (!client_names_read(&list, &names, &error))
		fail_msg("%s: %s", value, error.message);
	return client_names_find(&names, name);
}

static void
test_scopes(void **state)
{
	OptionList none = {.count = 0};
	ClientNames names;

	(void) state;
	assert_true(client_names_read(&none, &names, NULL));
	assert_int_equal(client_names_find(&names, "anyone"), SCOPE_READ);
	assert_int_equal(scope_of("ann", "ann"), SCOPE_OPERATE);
	assert_int_equal(scope_of("ann=read", "ann"), SCOPE_READ);
	assert_int_equal(scope_of("ann=restore", "ann"), SCOPE_RESTORE);
	assert_int_equal(scope_of("ann=restore", "Ann"), SCOPE_NONE);
	assert_int_equal(scope_of("ann=restore", "ann "), SCOPE_NONE);
	assert_int_equal(scope_of("ann=restore", "an"), SCOPE_NONE);
	assert_int_equal(scope_of("*=restore", "ann"), SCOPE_RESTORE);
	assert_int_equal(scope_of("*=restore", "other"), SCOPE_READ);
	assert_int_equal(scope_of("a n,n\xC3\xA9=read", "a n,n\xC3\xA9"), SCOPE_READ);
	/* the star is no name, though a certificate may have it as one */
	assert_int_equal(scope_of("ann=restore", "*"), SCOPE_NONE);
}

static void
test_wrong_values(void **state)
{
	static const char *const wrong[] = {"",			"=",		 "=read",	 "ann=", "ann=all",
										"ann=READ", "ann=read ", "a=b=read", "a\nb", "a\x1b[m"};
	char text[CLIENT_NAME_SIZE + 1];
	OptionList list = {.values = {text}, .count = 1};
	OptionList twice = {.values = {"ann=read", "bob", "ann"}, .count = 3};
	ClientNames names;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		strcpy(text, wrong[i]);
		if (client_names_read(&list, &names, &error))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
	}
	memset(text, 'x', CLIENT_NAME_SIZE);
	text[CLIENT_NAME_SIZE] = '\0';
	assert_false(client_names_read(&list, &names, &error));
	text[CLIENT_NAME_SIZE - 1] = '\0';
	assert_true(client_names_read(&list, &names, &error));
	assert_false(client_names_read(&twice, &names, &error));
}

static void
test_bytes(void **state)
{
	char name[CLIENT_NAME_SIZE];

	(void) state;
	assert_true(client_name_take("ann, the first", 3, name));
	assert_string_equal(name, "ann");
	assert_false(client_name_take("", 0, name));
	assert_false(client_name_take("ann\0x", 5, name));
	assert_false(client_name_take("ann\0", 4, name));
	assert_false(client_name_take("\xFF", 1, name));
	assert_false(client_name_take("\xC2\x9B", 2, name));
}

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* One that is written over by as many bytes within the same tick of the clock of its times. */
static void
test_changes(void **state)
{
	char path[] = "/tmp/pgbr-watched-XXXXXX";
	WatchedFiles watched;

	(void) state;
	close(mkstemp(path));
	watched_files_init(&watched, path, NULL);
	assert_true(watched_files_changed(&watched));
	for (int i = 0; i < 50; i++)
	{
		put(path, "one");
		assert_true(watched_files_changed(&watched));
		put(path, "two");
		assert_true(watched_files_changed(&watched));
	}
	/* left alone it comes to rest, within 10 s */
	for (int i = 0; i < 10000 && watched_files_changed(&watched); i++)
		usleep(1000);
	assert_false(watched_files_changed(&watched));
	unlink(path);
	assert_true(watched_files_changed(&watched));
	assert_false(watched_files_changed(&watched));
	put(path, "two");
	assert_true(watched_files_changed(&watched));
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
