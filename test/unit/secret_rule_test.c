// links: ctl/client/secret_rule
/*
 * secret_rule_test.c
 *		To which URLs that nobody named a token goes.
 */
#include "ctl/client/secret_rule.h"

#include "common/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_loopback(void **state)
{
	static const char *const here[] = {
		"http://127.0.0.1:8008", "http://127.1.2.3",		  "https://localhost:1/x",
		"http://LOCALHOST",		 "http://[::1]:8008/patroni", "http://[0:0:0:0:0:0:0:1]",
		"unix:/run/x.sock",
	};
	static const char *const elsewhere[] = {
		"http://10.0.0.1:8008",
		"http://127.0.0.1.example.com:8008",
		"http://localhost.example.com",
		"http://127.example.com",
		"http://[::ffff:10.0.0.1]",
		"http://[::ffff:127.0.0.1]",
		"http://[::2]",
		"http://128.0.0.1",
		"http://0x7f.1",
		"http://2130706433",
		"http://example.com/127.0.0.1",
		"http://1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222",
		"",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
	{
		if (!secret_rule_is_this_host(here[i]))
			fail_msg("not here: %s", here[i]);
	}
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
	{
		if (secret_rule_is_this_host(elsewhere[i]))
			fail_msg("here: %s", elsewhere[i]);
	}
}

static void
test_rule(void **state)
{
	const SecretRule strict = {0};
	const SecretRule with_ca = {.private_ca = true};
	const SecretRule local = {.on_this_host = true};
	const SecretRule trusting = {.trust_members = true};

	(void) state;
	assert_non_null(secret_rule_refuses(&strict, "http://10.0.0.1:8430"));
	assert_non_null(secret_rule_refuses(&with_ca, "http://10.0.0.1:8430"));
	assert_non_null(secret_rule_refuses(&local, "http://10.0.0.1:8430"));
	assert_null(secret_rule_refuses(&trusting, "http://10.0.0.1:8430"));
	assert_non_null(secret_rule_refuses(&strict, "https://evil.example.com:8430"));
	assert_null(secret_rule_refuses(&with_ca, "https://evil.example.com:8430"));
	assert_null(secret_rule_refuses(&with_ca, "HTTPS://m1:8430"));
	assert_non_null(secret_rule_refuses(&strict, "http://127.0.0.1:9999"));
	assert_null(secret_rule_refuses(&local, "http://127.0.0.1:9999"));
	assert_non_null(secret_rule_refuses(&local, "unix:/tmp/evil.sock"));
	assert_null(secret_rule_refuses(&strict, PGBR_DEFAULT_URL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_loopback),
									   cmocka_unit_test(test_rule)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
