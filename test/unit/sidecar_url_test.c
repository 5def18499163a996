/*
 * sidecar_url_test.c
 *		The grammar of a sidecar's URL, and how the URL of a request is taken apart again.
 */
#include "common/sidecar_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_valid(void **state)
{
	static const char *const http[] = {
		"http://h",			 "HTTP://h",		"https://h:1",	"http://127.0.0.1:8430/",
		"https://[::1]:443", "http://h:65535/", "http://a-b_c", "http://h/v1/x~%20",
	};
	static const char *const sockets[] = {"unix:/a", "UNIX:/run/x.sock", "unix:/a+@%=~-_."};
	static const char *const neither[] = {
		"",			  "h:8430",			"ftp://h",		   "http:",
		"http://",	  "http:///x",		"http://:1",	   "http://h:",
		"http://h:0", "http://h:65536", "http://h:1x",	   "http://h:000001",
		"http://[",	  "http://[]",		"http://[::1",	   "http://[x]",
		"http://a@b", "http://h/a?b",	"http://h#",	   "http://h ",
		" http://h",  "http://h\\",		"http://\xC3\xA4", "http://h/\x7F",
		"unix:",	  "unix:a",			"unix:/",		   "unix:/a/",
		"unix:/a:b",  "unix:/a b",		"unix:/a,b",	   "unix:/a'",
		"unix:/a\n",  "unix:/\xC3\xA4", "unix//a",		   "unix:\\a",
	};

	(void) state;
	for (size_t i = 0; i < COUNT(http); i++)
		assert_true(pgbr_url_is_valid(http[i], false) && pgbr_url_is_valid(http[i], true));
	for (size_t i = 0; i < COUNT(sockets); i++)
		assert_true(!pgbr_url_is_valid(sockets[i], false) && pgbr_url_is_valid(sockets[i], true));
	for (size_t i = 0; i < COUNT(neither); i++)
		assert_false(pgbr_url_is_valid(neither[i], true));
}

static void
test_longest(void **state)
{
	char url[200] = "unix:/";

	(void) state;
	memset(url + 6, 'x', PGBR_SOCKET_PATH_SIZE - 2);
	assert_true(pgbr_url_is_valid(url, true));
	strcat(url, "x");
	assert_false(pgbr_url_is_valid(url, true));
}

static void
test_split(void **state)
{
	static const char *const bad[] = {"unix:", "unix:/a", "unix::/v1", "unix:"};
	char path[PGBR_SOCKET_PATH_SIZE];
	char url[300];
	const char *rest;

	(void) state;
	assert_string_equal(pgbr_url_glue("http://h"), "");
	snprintf(url, sizeof(url), "%s%s%s", "unix:/run/x.sock", pgbr_url_glue("unix:/run/x.sock"),
			 "/v1/jobs/a:b");
	assert_true(pgbr_url_split_socket(url, path, &rest));
	assert_string_equal(path, "/run/x.sock");
	assert_string_equal(rest, "/v1/jobs/a:b");
	assert_false(pgbr_url_split_socket("http://h:1/v1", path, &rest));
	for (size_t i = 0; i < COUNT(bad); i++)
	{
		assert_true(pgbr_url_split_socket(bad[i], path, &rest));
		assert_null(rest);
	}
	/* a path that is too long is not cut to another's */
	memset(url, 'x', sizeof(url));
	memcpy(url, "unix:/", 6);
	strcpy(url + 250, ":/v1");
	assert_true(pgbr_url_split_socket(url, path, &rest));
	assert_null(rest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
