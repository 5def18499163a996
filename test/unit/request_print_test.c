// links: ctl/report/request_print
/*
 * request_print_test.c
 *		The command lines of a restore that has stopped.
 */
#include "ctl/report/request_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Make the request of a type and a target, as a user gives them. */
static RestoreRequest
make_request(const char *type, const char *target)
{
	RestoreRequest request = {.repo = 0};
	PgbrError error = PGBR_ERROR_INIT;

	if (!recovery_target_parse(&request.target, type, target, false, NULL, NULL, &error))
		fail_msg("%s: %s", target, error.message);
	return request;
}

static void
expect(const RestoreRequest *request, const char *resume, const char *undo)
{
	StrBuf out;

	strbuf_init(&out);
	restore_print_resume(request, &out);
	assert_string_equal(out.data, resume);
	strbuf_clear(&out);
	restore_print_undo(request, "20261130T100000", &out);
	assert_string_equal(out.data, undo);
	strbuf_done(&out);
}

static void
test_targets(void **state)
{
	RestoreRequest request = make_request(NULL, NULL);

	(void) state;
	expect(&request, "pgbackrest_ctl restore", "pgbackrest_ctl undo");
	request = make_request("time", "2026-11-24 11:41:32+00");
	expect(&request, "pgbackrest_ctl restore --type=time --target='2026-11-24 11:41:32.000000+00'",
		   "pgbackrest_ctl undo");
	request = make_request("lsn", "0/5000028");
	request.target.exclusive = true;
	request.target.timeline = 3;
	expect(&request,
		   "pgbackrest_ctl restore --type=lsn --target=0/5000028 --target-exclusive "
		   "--target-timeline=3",
		   "pgbackrest_ctl undo");
	request = make_request("name", "release $(date)");
	expect(&request, "pgbackrest_ctl restore --type=name --target='release $(date)'",
		   "pgbackrest_ctl undo");
	request = make_request("immediate", NULL);
	strcpy(request.target.set, "20261122-154108F");
	expect(&request, "pgbackrest_ctl restore --type=immediate --set=20261122-154108F",
		   "pgbackrest_ctl undo");
}

static void
test_options(void **state)
{
	RestoreRequest request = make_request(NULL, NULL);

	(void) state;
	request.repo = 2;
	request.keep_old = true;
	strcpy(request.without[request.without_count++], "m3");
	expect(&request, "pgbackrest_ctl restore --repo=2 --keep-old --without-member=m3",
		   "pgbackrest_ctl undo --without-member=m3");
	request = make_request(NULL, NULL);
	request.replicas_only = true;
	strcpy(request.only[request.only_count++], "m1");
	strcpy(request.only[request.only_count++], "m' 2");
	expect(&request, "pgbackrest_ctl restore --replicas-only --member=m1 --member='m'\\'' 2'",
		   "pgbackrest_ctl undo");
}

/* Its target is the end of a timeline, which the undo finds by itself. */
static void
test_undo(void **state)
{
	RestoreRequest request = make_request("lsn", "0/5000028");

	(void) state;
	request.undo = true;
	strcpy(request.without[request.without_count++], "m3");
	expect(&request, "pgbackrest_ctl undo --without-member=m3",
		   "pgbackrest_ctl undo 20261130T100000 --without-member=m3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
