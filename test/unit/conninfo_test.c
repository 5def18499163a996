/*
 * conninfo_test.c
 *		Which connection strings hold a password. Oracle: what libpq's grammar makes of each.
 */
#include "common/conninfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const open_ones[] = {
	"",
	"postgres",
	"dbname=postgres",
	"host=/run/x user=a passfile='/a b/password=x' port = 5432",
	"user='password=x'",
	"user=a\\ password=x",
	"user='it\\'s password=x'",
	"require_auth=password",
	"password", /* a database of this name */
	"postgresql://",
	"postgres://user@host:5432/db?passfile=/x",
	"postgresql:///db?host=/run/x:y@z",
	"postgresql://host/db:x@y?user=password",
	"postgresql://host/db?passfile=password%3Dx",
};

static const char *const secret_ones[] = {
	"password=hunter2",
	"host password=hunter2",
	"scram_client_key=hunter2",
	"dbname=a  password = 'hunter2'",
	"user='a'password=hunter2",
	"user=a\\'b password='hunter2",
	"host=a\tpassword=hunter2",
	"sslpassword=hunter2 host=a",
	"oauth_client_secret=hunter2",
	"password=",
	"postgresql://user:hunter2@host/db",
	"postgres://:hunter2@",
	"postgresql://a@host?password=hunter2",
	"postgresql:///?sslmode=off&sslpassword=hunter2",
	"postgresql:///?%70assword=hunter2",
	"postgresql://h/d?p%61sswor%64=hunter2&x",
};

static void
test_conninfo(void **state)
{
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < sizeof(open_ones) / sizeof(open_ones[0]); i++)
	{
		if (!pgbr_conninfo_check("x", open_ones[i], &error))
			fail_msg("refused: %s", open_ones[i]);
	}
	for (size_t i = 0; i < sizeof(secret_ones) / sizeof(secret_ones[0]); i++)
	{
		if (pgbr_conninfo_check("x", secret_ones[i], &error))
			fail_msg("taken: %s", secret_ones[i]);
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_null(strstr(error.message, "hunter2"));
		assert_null(strstr(error.hint, "hunter2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_conninfo)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
