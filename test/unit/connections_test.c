// links: sidecar/http/connections
/*
 * connections_test.c
 *		Who has to go when one too many comes, and what is answered meanwhile. Connections are the
 *		ends of socket pairs; who was hung up on reads the end.
 */
#include "sidecar/http/connections.h"

#include "program/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST		 10
#define MOST_OF_PEER 4
#define PEER_FULL	 (MOST_OF_PEER + CONNECTIONS_RESERVE)
#define FULL		 (MOST + CONNECTIONS_RESERVE)

typedef struct Client
{
	Connection connection;
	int ours;
	int theirs;
} Client;

typedef struct Case
{
	Connections *connections;
	Client clients[64];
	int count;
} Case;

static void
begin(Case *test, int arrive_ms)
{
	PgbrError error;

	test->connections = connections_new(MOST, MOST_OF_PEER, arrive_ms, &error);
	test->count = 0;
	assert_non_null(test->connections);
}

static Client *
add(Case *test, int place, const char *peer)
{
	Client *client = &test->clients[test->count++];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	client->ours = fds[0];
	client->theirs = fds[1];
	connections_add(test->connections, &client->connection, client->ours, place, peer);
	return client;
}

static bool
is_gone(const Client *client)
{
	struct pollfd fd = {client->theirs, POLLIN, 0};

	return poll(&fd, 1, 0) == 1;
}

static int
count_gone(const Case *test)
{
	int gone = 0;

	for (int i = 0; i < test->count; i++)
		gone += is_gone(&test->clients[i]);
	return gone;
}

static void
end(Case *test)
{
	for (int i = 0; i < test->count; i++)
	{
		connections_remove(test->connections, &test->clients[i].connection);
		close(test->clients[i].ours);
		close(test->clients[i].theirs);
	}
	connections_free(test->connections);
}

/* True when its request may be answered. */
static bool
ask(Case *test, Client *client, bool probe)
{
	PgbrError error = PGBR_ERROR_INIT;
	bool ok = connections_begin(test->connections, &client->connection, probe, &error);

	assert_int_equal(error.code, ok ? PGBR_ERROR_NONE : PGBR_ERROR_UNAVAILABLE);
	return ok;
}

/* Half requests of one peer: the oldest of them go, and nobody else's. */
static void
test_peer(void **state)
{
	Case test;
	Client *other;

	(void) state;
	begin(&test, 60000);
	other = add(&test, 0, "10.0.0.2");
	for (int i = 0; i < PEER_FULL; i++)
		add(&test, 0, "10.0.0.1");
	assert_int_equal(count_gone(&test), 0);
	for (int i = 0; i < 3; i++)
		add(&test, 0, "10.0.0.1");
	assert_int_equal(count_gone(&test), 3);
	for (int i = 1; i <= 3; i++)
		assert_true(is_gone(&test.clients[i]));
	assert_false(is_gone(other));
	assert_true(ask(&test, add(&test, 0, "10.0.0.1"), true));
	end(&test);
}

/* Half requests of many: the oldest of all go, and a probe is answered. */
static void
test_all(void **state)
{
	Case test;
	char peer[16];
	Client *probe;

	(void) state;
	begin(&test, 60000);
	for (int i = 0; i < FULL + 5; i++)
	{
		snprintf(peer, sizeof(peer), "10.0.0.%d", i);
		add(&test, 0, peer);
	}
	assert_int_equal(count_gone(&test), 5);
	for (int i = 0; i < 5; i++)
		assert_true(is_gone(&test.clients[i]));
	probe = add(&test, 0, "10.0.1.1");
	assert_true(ask(&test, probe, true));
	assert_false(is_gone(probe));
	/* another place has its own */
	assert_false(is_gone(add(&test, 1, "10.0.0.1")));
	assert_int_equal(count_gone(&test), 6);
	end(&test);
}

/* Whole requests, which take long: none of them goes, those above the limit are refused, and probes
 * are answered in the reserve. */
static void
test_answered(void **state)
{
	Case test;
	char peer[16];
	Client *busy[MOST];
	Client *one;

	(void) state;
	begin(&test, 60000);
	for (int i = 0; i < MOST; i++)
	{
		snprintf(peer, sizeof(peer), "10.0.0.%d", i / MOST_OF_PEER);
		busy[i] = add(&test, 0, peer);
		assert_true(ask(&test, busy[i], false));
	}
	one = add(&test, 0, "10.0.0.9");
	assert_false(ask(&test, one, false));
	connections_end(test.connections, &one->connection);
	for (int i = 0; i < 20; i++)
		assert_true(ask(&test, one, true));
	connections_end(test.connections, &one->connection);
	/* half requests beside them go round in the reserve */
	for (int i = 0; i < 20; i++)
		add(&test, 0, "10.0.0.8");
	assert_true(ask(&test, add(&test, 0, "10.0.0.9"), true));
	for (int i = 0; i < MOST; i++)
		assert_false(is_gone(busy[i]));
	/* an answer that is out makes room */
	connections_end(test.connections, &busy[0]->connection);
	assert_true(ask(&test, busy[0], false));
	end(&test);
}

static void
test_answered_of_peer(void **state)
{
	Case test;

	(void) state;
	begin(&test, 60000);
	for (int i = 0; i < MOST_OF_PEER; i++)
		assert_true(ask(&test, add(&test, 0, "10.0.0.1"), false));
	assert_false(ask(&test, add(&test, 0, "10.0.0.1"), false));
	assert_true(ask(&test, add(&test, 0, "10.0.0.1"), true));
	assert_true(ask(&test, add(&test, 0, "10.0.0.2"), false));
	assert_true(ask(&test, add(&test, 1, "10.0.0.1"), false));
	end(&test);
}

/* Probes whose answers nobody reads hold nobody off either. */
static void
test_unread_probes(void **state)
{
	Case test;

	(void) state;
	begin(&test, 60000);
	for (int i = 0; i < PEER_FULL; i++)
		assert_true(ask(&test, add(&test, 0, "10.0.0.1"), true));
	assert_true(ask(&test, add(&test, 0, "10.0.0.1"), true));
	assert_int_equal(count_gone(&test), 1);
	assert_true(is_gone(&test.clients[0]));
	end(&test);
}

static void
test_late(void **state)
{
	Case test;
	Client *slow;
	Client *busy;
	struct pollfd fd;
	int64_t start = clock_monotonic_ms();

	(void) state;
	begin(&test, 200);
	slow = add(&test, 0, "10.0.0.1");
	busy = add(&test, 0, "10.0.0.1");
	assert_true(ask(&test, busy, false));
	fd = (struct pollfd){slow->theirs, POLLIN, 0};
	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_true(clock_monotonic_ms() - start >= 200);
	assert_false(is_gone(busy));
	connections_end(test.connections, &busy->connection);
	fd.fd = busy->theirs;
	assert_int_equal(poll(&fd, 1, 20000), 1);
	end(&test);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer),	 cmocka_unit_test(test_all),
		cmocka_unit_test(test_answered), cmocka_unit_test(test_answered_of_peer),
		cmocka_unit_test(test_late),	 cmocka_unit_test(test_unread_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
