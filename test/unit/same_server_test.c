// links: ctl/facts/same_server
/*
 * same_server_test.c
 *		Whether a sidecar and Patroni speak of the same PostgreSQL, and what two sidecars share.
 */
#include "ctl/facts/same_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Two members on host "a" and one on host "b". */
static const PatroniCluster listed = {
	.members = {{.name = "m1", .host = "a", .port = 5432},
				{.name = "m2", .host = "a", .port = 5433},
				{.name = "m3", .host = "b", .port = 5432},
				{.name = "m4", .host = "b"}},
	.count = 4,
};

typedef struct Row
{
	const char *member;
	const char *role; /* NULL: PostgreSQL does not answer */
	int port;
	const char *identifier;
	const char *start;
	const char *why; /* a part of the reason; NULL: the same server */
} Row;

/* As Patroni of the member says: a primary with identifier 7, started at 11:41:32.108. */
static const Row rows[] = {
	{"m1", "primary", 5432, "7", "2026-11-24T11:41:32.108416Z", NULL},
	{"m1", "standby", 5432, "7", "2026-11-24T11:41:32.108416Z",
	 "Its PostgreSQL is a standby, that of the member is a primary."},
	/* two members that Patroni has started in the same second */
	{"m1", "primary", 5432, "7", "2026-11-24T11:41:32.120000Z", "Its PostgreSQL was started at"},
	{"m1", "primary", 5432, "8", "2026-11-24T11:41:32.108416Z",
	 "Its system identifier is 8, that of the member is 7."},
	/* started at the same moment, and another member's */
	{"m1", "primary", 5433, "7", "2026-11-24T11:41:32.108416Z",
	 "Its PostgreSQL has port 5433, which is that of member \"m2\"."},
	{"m1", NULL, 5433, NULL, NULL, "port 5433"},
	/* a port that Patroni lists for nobody on that host is behind a translation of addresses */
	{"m1", "primary", 15432, "7", "2026-11-24T11:41:32.108416Z", NULL},
	{"m3", "primary", 5433, "7", "2026-11-24T11:41:32.108416Z", NULL},
	{"m4", "primary", 5432, "7", "2026-11-24T11:41:32.108416Z", NULL},
	{"m9", "primary", 5433, "7", "2026-11-24T11:41:32.108416Z", NULL},
	/* what is not known proves nothing */
	{"m1", NULL, 0, NULL, NULL, NULL},
	{"m1", "primary", 5432, NULL, "yesterday", NULL},
};

static void
test_servers(void **state)
{
	PatroniNode patroni = {.system_identifier = "7",
						   .postmaster_start_time = "2026-11-24 11:41:32.108+00:00",
						   .running = true,
						   .primary = true};
	char why[256];

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		const Row *row = &rows[i];
		json_t *node =
			json_pack("{ss? si ss? ss?}", "role", row->role, "port", row->port, "system_identifier",
					  row->identifier, "postmaster_start_time", row->start);
		bool same = same_server(node, &patroni, &listed, row->member, why, sizeof(why));

		if (same != (row->why == NULL))
			fail_msg("row %zu: %s", i, same ? "the same" : why);
		if (!same && strstr(why, row->why) == NULL)
			fail_msg("row %zu: %s", i, why);
		/* without Patroni only the port counts */
		same = same_server(node, NULL, &listed, row->member, why, sizeof(why));
		assert_true(same == (row->why == NULL || strstr(row->why, "port") == NULL));
		json_decref(node);
	}
}

static void
test_identities(void **state)
{
	SidecarIdentity a = {"1-2@h", "boot:1:2"};
	SidecarIdentity b = {"1-3@h", "boot:1:3"};
	SidecarIdentity unknown = {NULL, ""};

	(void) state;
	assert_null(same_sidecar(a, b));
	assert_null(same_sidecar(unknown, unknown));
	assert_null(same_sidecar(a, unknown));
	assert_string_equal(same_sidecar(a, a), "sidecar");
	b.directory = a.directory;
	assert_string_equal(same_sidecar(a, b), "data directory");
	b.sidecar = a.sidecar;
	b.directory = "boot:1:3";
	assert_string_equal(same_sidecar(a, b), "sidecar");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
