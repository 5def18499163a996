// links: ctl/client/sidecar_client ctl/client/http_call
/*
 * sidecar_client_test.c
 *		What the client makes of its settings and of a refusal; requests themselves are in test/t.
 */
#include "ctl/client/sidecar_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool
init(SidecarSettings settings, SidecarClient *client, PgbrError *error)
{
	static SidecarSettings kept;

	kept = settings;
	kept.timeout = 1;
	return sidecar_client_init(client, &kept, error);
}

static void
test_urls(void **state)
{
	static const char *const refused[] = {
		"",
		"127.0.0.1:8430",
		"ftp://h",
		"http://",
		"http:///v1",
		"http://user:secret@h",
		"http://h?x=1",
		"http://h#x",
		"http://h h",
		"http://h\n",
		"file:///etc/passwd",
		"http://h\\x",
		"http://\xC3\xA4",
		"unix:x",
		"unix:/a:b",
	};
	char longest[600] = "http://";
	SidecarClient client;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		assert_false(init((SidecarSettings){.url = refused[i]}, &client, &error));
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_null(strstr(error.message, "secret"));
	}
	memset(longest + 7, 'a', sizeof(longest) - 8);
	assert_false(init((SidecarSettings){.url = longest}, &client, &error));
	assert_true(init((SidecarSettings){.url = "https://[::1]:8430/path//"}, &client, &error));
	assert_string_equal(client.url, "https://[::1]:8430/path");
}

static void
test_tokens(void **state)
{
	char longest[600] = "";
	SidecarClient client;
	PgbrError error;

	(void) state;
	assert_true(init((SidecarSettings){.url = "http://h"}, &client, &error));
	assert_string_equal(client.token, "");
	setenv("PGBRCTL_TOKEN", "abc", 1);
	assert_true(init((SidecarSettings){.url = "http://h"}, &client, &error));
	assert_string_equal(client.token, "abc");
	/* a file that is named wins, and one that can't be read is not passed over */
	assert_false(
		init((SidecarSettings){.url = "http://h", .token_file = "/nonexistent"}, &client, &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
	setenv("PGBRCTL_TOKEN", "a\r\nX-Header: 1", 1);
	assert_false(init((SidecarSettings){.url = "http://h"}, &client, &error));
	assert_null(strstr(error.message, "X-Header"));
	memset(longest, 'a', sizeof(longest) - 1);
	setenv("PGBRCTL_TOKEN", longest, 1);
	assert_false(init((SidecarSettings){.url = "http://h"}, &client, &error));
	unsetenv("PGBRCTL_TOKEN");
	assert_false(init((SidecarSettings){.url = "http://h", .key_file = "k"}, &client, &error));
}

/* What is read of a token file with this text; NULL when it is refused. */
static const char *
read_token(const char *text)
{
	static char token[64];
	char path[] = "/tmp/pgbr-token-XXXXXX";
	int fd = mkstemp(path);
	PgbrError error = PGBR_ERROR_INIT;
	bool ok;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	ok = pgbr_token_read(path, token, sizeof(token), &error);
	unlink(path);
	assert_int_equal(error.code, ok ? PGBR_ERROR_NONE : PGBR_ERROR_CONFIG);
	/* what is in the file is nobody's to see */
	assert_null(strstr(error.message, "secret"));
	return ok ? token : NULL;
}

static void
test_token_files(void **state)
{
	static const char *const refused[] = {
		"",		  "\n \n",			"# secret",			  "secret phrase",
		"a\x01 ", "secret\xC3\xA4", "secret reads admin", "\nsecret # not a scope",
	};
	char text[2000];

	(void) state;
	assert_string_equal(read_token("abc"), "abc");
	assert_string_equal(read_token("  abc\t\r\nsecret"), "abc");
	/* the sidecar's own file */
	assert_string_equal(read_token("# of x\n\n  # y\nabc restore administrator\nd read z\n"),
						"abc");
	assert_string_equal(read_token("abc operate\n"), "abc");
	memset(text, '#', 1500);
	strcpy(text + 1500, " secret\nabc\n");
	assert_string_equal(read_token(text), "abc");
	memset(text, 'a', 63);
	text[63] = '\0';
	assert_string_equal(read_token(text), text);
	strcat(text, "a");
	assert_null(read_token(text));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_null(read_token(refused[i]));
}

static void
refuse(long status, const char *content_type, const char *body, PgbrError *error)
{
	PgbrHttpResponse response = {.status = status};

	pgbr_copy_text(response.content_type, sizeof(response.content_type), content_type);
	response.body = strdup(body);
	response.length = strlen(body);
	assert_false(sidecar_client_refusal(&response, error));
	free(response.body);
}

#define PROBLEM "application/problem+json"

static void
test_refusals(void **state)
{
	PgbrError error;

	(void) state;
	refuse(
		409, PROBLEM,
		"{\"title\":\"Conflict\",\"detail\":\"it is so\",\"code\":\"conflict\",\"hint\":\"Wait.\"}",
		&error);
	assert_int_equal(error.code, PGBR_ERROR_CONFLICT);
	assert_string_equal(error.message, "it is so");
	assert_string_equal(error.hint, "Wait.");
	assert_string_equal(error.detail, "");
	refuse(502, PROBLEM, "{\"detail\":\"no\",\"code\":\"pgbackrest\",\"exit_code\":56}", &error);
	assert_int_equal(error.code, PGBR_ERROR_PGBACKREST);
	assert_string_equal(error.detail, "pgbackrest ended with exit code 56.");
	refuse(500, PROBLEM, "{\"detail\":\"no\",\"code\":\"of-a-later-version\"}", &error);
	assert_int_equal(error.code, PGBR_ERROR_INTERNAL);
}

/* What does not come from a sidecar is told as that, not by its status. */
static void
test_strangers(void **state)
{
	static const struct
	{
		const char *type;
		const char *body;
	} answers[] = {
		{"text/html", "<html>403</html>"},
		{"", ""},
		{PROBLEM, ""},
		{PROBLEM, "{"},
		{PROBLEM, "[]"},
		{PROBLEM, "{\"detail\":\"x\"}"},
		{PROBLEM, "{\"detail\":1,\"code\":\"conflict\"}"},
		{"application/json", "{\"detail\":\"x\",\"code\":\"conflict\"}"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
	{
		PgbrError error;

		refuse(403, answers[i].type, answers[i].body, &error);
		assert_int_equal(error.code, PGBR_ERROR_PROTOCOL);
		assert_non_null(strstr(error.detail, "403"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_files), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_strangers),
	};

	unsetenv("PGBRCTL_TOKEN");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
