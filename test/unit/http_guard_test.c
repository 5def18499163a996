// links: sidecar/http/guard sidecar/config/host_names
/*
 * http_guard_test.c
 *		Which headers a request is refused for, and that what clients send is not.
 */
#include "sidecar/http/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const allowed[] = {"backrest,db1.example.com", "with.dot."};
static const HostNames names = {allowed, 2};

/* Headers as "Name: value\n..."; the code that they are refused with. */
static PgbrErrorCode
check(const char *text, bool old, bool tls, PgbrError *error)
{
	static char copy[4096];
	HttpHeaders headers = {0};
	PgbrError ignored;

	error = error ? error : &ignored;
	*error = (PgbrError) PGBR_ERROR_INIT;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
	{
		char *colon = strchr(line, ':');

		*colon = '\0';
		http_headers_add(&headers, line, colon + 1 + (colon[1] == ' '));
	}
	return http_guard_check(&headers, old, tls, &names, error) ? PGBR_ERROR_NONE : error->code;
}

static PgbrErrorCode
check_host(const char *host)
{
	char text[1024];

	snprintf(text, sizeof(text), "Host: %s", host);
	return check(text, false, false, NULL);
}

static void
test_host(void **state)
{
	static const char *const good[] = {
		"127.0.0.1",	   "10.0.0.5:8430",	  "0.0.0.0:1",		  "[::1]",
		"[::1]:8430",	   "[fe80::1]",		  "[::ffff:1.2.3.4]", "localhost",
		"LocalHost:65535", "localhost.:8430", "backrest",		  "BackRest:3000",
		"backrest.",	   "db1.example.com", "with.dot",		  "with.dot.:80",
	};
	static const char *const bad[] = {
		"",
		"evil.example",
		"evil.example:8430",
		"localhost.evil.example",
		"evil.localhost",
		"notlocalhost",
		"localhost..",
		"127.0.0.1.evil.example",
		"127.0.0.1.",
		"127.1",
		"2130706433",
		"0x7f.0.0.1",
		"0177.0.0.1.x",
		"1.2.3.4.5",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:123456",
		"127.0.0.1:80:80",
		"::1",
		"[::1",
		"[::1]x",
		"[127.0.0.1]",
		"[]",
		"[::1%eth0]",
		"a@127.0.0.1",
		"127.0.0.1/x",
		"127.0.0.1, evil.example",
		"127.0.0.1 ",
		"backrest.evil.example",
		"backrest,db1.example.com",
		"db1.example.com.evil.example",
		"example.com",
		".",
		"\x1b[31m",
	};
	char longest[600];

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		if (check_host(good[i]) != PGBR_ERROR_NONE)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (check_host(bad[i]) != PGBR_ERROR_MISDIRECTED)
			fail_msg("not refused: %s", bad[i]);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(check_host(longest), PGBR_ERROR_MISDIRECTED);
	assert_int_equal(check("X: y", false, false, NULL), PGBR_ERROR_BAD_REQUEST);
	assert_int_equal(check("X: y", true, false, NULL), PGBR_ERROR_NONE);
	assert_int_equal(check("Host: evil.example", true, false, NULL), PGBR_ERROR_MISDIRECTED);
	assert_int_equal(check("Host: localhost\nhost: localhost", false, false, NULL),
					 PGBR_ERROR_BAD_REQUEST);
	assert_int_equal(check("Host: localhost\nHost: localhost", true, false, NULL),
					 PGBR_ERROR_BAD_REQUEST);
}

static void
test_host_message(void **state)
{
	PgbrError error;

	(void) state;
	check("Host: evil\x1b[31m\"\xc2\x9b.example", false, false, &error);
	assert_string_equal(error.message, "host \"evil?[31m???.example\" is not an IP address, "
									   "localhost or a name of --allowed-host");
	assert_non_null(strstr(error.hint, "--allowed-host"));
}

static void
test_page(void **state)
{
	static const struct
	{
		const char *headers;
		bool tls;
		bool good;
	} cases[] = {
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8430", false, true},
		{"Host: localhost\nOrigin: http://LOCALHOST", false, true},
		{"Host: localhost:80\nOrigin: http://localhost", false, true},
		{"Host: localhost\nOrigin: http://localhost:80", false, true},
		{"Host: localhost:443\nOrigin: https://localhost", true, true},
		{"Host: [::1]:8430\nOrigin: http://[::1]:8430", false, true},
		{"Host: localhost:443\nOrigin: http://localhost", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8431", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://localhost:8430", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: https://127.0.0.1:8430", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8430", true, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8430/", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8430.evil.example", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://evil.example", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: null", false, false},
		{"Host: 127.0.0.1:8430\nOrigin:", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: http://127.0.0.1:8430\nOrigin: null", false, false},
		{"Host: 127.0.0.1:8430\nOrigin: null\nOrigin: http://127.0.0.1:8430", false, false},
		{"Host: 127.0.0.1\nSec-Fetch-Site: same-origin", false, true},
		{"Host: 127.0.0.1\nSec-Fetch-Site: none", false, true},
		{"Host: 127.0.0.1\nSec-Fetch-Site: cross-site", false, false},
		{"Host: 127.0.0.1\nSec-Fetch-Site: same-site", false, false},
		{"Host: 127.0.0.1\nSec-Fetch-Site: what-is-to-come", false, false},
		{"Host: 127.0.0.1\nSec-Fetch-Site: cross-site\nSec-Fetch-Site: none", false, false},
		{"Host: 127.0.0.1\nsec-fetch-site: none\nSEC-FETCH-SITE: cross-site", false, false},
		{"Host: 127.0.0.1\nReferer: http://evil.example/", false, true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		PgbrErrorCode wanted = cases[i].good ? PGBR_ERROR_NONE : PGBR_ERROR_FORBIDDEN;

		if (check(cases[i].headers, false, cases[i].tls, NULL) != wanted)
			fail_msg("wrong: %s", cases[i].headers);
	}
	assert_int_equal(check("Origin: http://localhost", true, false, NULL), PGBR_ERROR_FORBIDDEN);
}

static void
test_framing(void **state)
{
	static const char *const bad[] = {
		"Content-Length: 5\nContent-Length: 5",
		"Content-Length: 5\ncontent-length: 6",
		"Content-Length: 5\nTransfer-Encoding: chunked",
		"Transfer-Encoding: chunked\nContent-Length: 5",
		"Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
		"Transfer-Encoding: identity",
		"Transfer-Encoding: gzip, chunked",
		"Transfer-Encoding: xchunked",
		"Transfer-Encoding: ",
		"Transfer-Encoding : chunked",
		"Content-Length\t: 5",
		" X: y",
		"X Y: z",
		": z",
	};
	char text[256];

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		snprintf(text, sizeof(text), "Host: localhost\n%s", bad[i]);
		if (check(text, false, false, NULL) != PGBR_ERROR_BAD_REQUEST)
			fail_msg("not refused: %s", bad[i]);
	}
	assert_int_equal(check("Host: localhost\nTransfer-Encoding: Chunked", false, false, NULL),
					 PGBR_ERROR_NONE);
	assert_int_equal(check("Host: localhost\nTransfer-Encoding: chunked", true, false, NULL),
					 PGBR_ERROR_BAD_REQUEST);
	assert_int_equal(check("Host: localhost\nContent-Length: 5", false, false, NULL),
					 PGBR_ERROR_NONE);
}

/* Headers as libmicrohttpd leaves them in its buffer, each 0 the end of a text; a name that is
 * followed by another's text was moved away. */
static void
test_lines(void **state)
{
	static const struct
	{
		char text[40];
		int names[2];
		int values[2];
		int end;
		bool good;
	} cases[] = {
		{"Host\0 localhost\0\0X\0 y\0\0\0", {0, 17}, {6, 20}, 25, true},
		{"Host\0localhost\0\0X\0y\0\0\0", {0, 16}, {5, 18}, 23, true},
		{"Host\0\t  localhost\0\0X\0\0\0\0", {0, 19}, {8, 21}, 25, true},
		/* a line that ends with one character */
		{"Host\0 localhost\0X\0 y\0\0\0", {0, 16}, {6, 19}, 24, false},
		{"Host\0 localhost\0\0X\0 y\0\0", {0, 17}, {6, 20}, 24, false},
		/* a NUL in a value */
		{"Host\0 localhost\0y\0\0X\0 y\0\0\0", {0, 19}, {6, 22}, 27, false},
		{"Host\0 localhost\0\0X\0 y\0z\0\0\0", {0, 17}, {6, 20}, 27, false},
		/* a CR in a value */
		{"Host\0 localhost\0\0X\0 \r\0\0\0", {0, 17}, {6, 20}, 25, false},
		/* a name that lies elsewhere */
		{"Xy\0Host\0 localhost\0\0X\0 z\0\0\0", {3, 0}, {9, 23}, 28, false},
		{"X\0 z\0\0 y\0\0Host\0 localhost\0\0\0", {0, 11}, {3, 17}, 30, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HttpHeaders headers = {.line = cases[i].text + cases[i].names[0]};
		PgbrError error;

		for (int line = 0; line < 2; line++)
			http_headers_add(&headers, cases[i].text + cases[i].names[line],
							 cases[i].text + cases[i].values[line]);
		http_headers_end(&headers, cases[i].text + cases[i].end);
		if (http_guard_check(&headers, false, false, &names, &error) != cases[i].good)
			fail_msg("case %zu is wrong", i);
		assert_true(headers.bad_line == !cases[i].good);
	}
}

static void
test_names(void **state)
{
	(void) state;
	assert_true(host_names_is_list("backrest.default.svc.cluster.local"));
	assert_true(host_names_is_list("backrest,backrest.default,under_score."));
	assert_false(host_names_is_list(""));
	assert_false(host_names_is_list("a,"));
	assert_false(host_names_is_list(",a"));
	assert_false(host_names_is_list("a,,b"));
	assert_false(host_names_is_list("a, b"));
	assert_false(host_names_is_list(".example.com"));
	assert_false(host_names_is_list("*"));
	assert_false(host_names_is_list("host:8430"));
	assert_false(host_names_is_list("http://host"));
	assert_false(host_names_is_list("b\xc3\xbc"
									"cher"));
}

static void
test_request_line(void **state)
{
	/* as libmicrohttpd leaves a line: a NUL where a blank was; where the method, the target and
	 * the version begin */
	static const struct
	{
		const char *text;
		size_t target;
		size_t version;
		bool good;
	} cases[] = {
		{"GET\0/v1/jobs\0HTTP/1.1", 4, 13, true},		{"GET\0  /v1/jobs\0HTTP/1.1", 6, 15, true},
		{"GET\0/v1\0jobs\0HTTP/1.1", 4, 13, false},		{"GET\0/v1/jobs\0\0HTTP/1.1", 4, 14, false},
		{"GET\0/v1\0HTTP/1.1\0HTTP/1.1", 4, 17, false}, {"GE\0T\0/v1/jobs\0HTTP/1.1", 5, 14, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *target = cases[i].text + cases[i].target;
		HttpHeaders headers = {.host_count = 1, .host = "localhost"};
		PgbrError error = PGBR_ERROR_INIT;

		http_headers_begin(&headers, cases[i].text, target, target + strlen(target),
						   cases[i].text + cases[i].version);
		assert_int_equal(http_guard_check(&headers, false, false, &(HostNames){NULL, 0}, &error),
						 cases[i].good);
		if (!cases[i].good)
		{
			assert_int_equal(error.code, PGBR_ERROR_BAD_REQUEST);
			assert_string_equal(error.message, "invalid request line");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),		 cmocka_unit_test(test_host_message),
		cmocka_unit_test(test_page),		 cmocka_unit_test(test_framing),
		cmocka_unit_test(test_names),		 cmocka_unit_test(test_lines),
		cmocka_unit_test(test_request_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
