// links: sidecar/api/process_gate
/*
 * process_gate_test.c
 *		That no more get in than there are places, that who waits gets the next one, and that nobody
 *		waits for long.
 */
#include "sidecar/api/process_gate.h"

#include "program/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Crowd
{
	ProcessGate *gate;
	atomic_int inside;
	atomic_int most;
	atomic_int served;
} Crowd;

static bool
enter(ProcessGate *gate, Gate kind, Scope scope, bool (*is_gone)(void *argument))
{
	PgbrError error = PGBR_ERROR_INIT;
	bool ok = process_gate_enter(gate, kind, scope, is_gone, NULL, &error);

	assert_int_equal(error.code, ok ? PGBR_ERROR_NONE : PGBR_ERROR_UNAVAILABLE);
	return ok;
}

static void *
ask(void *argument)
{
	Crowd *crowd = argument;
	PgbrError error;
	int inside;

	if (!process_gate_enter(crowd->gate, GATE_WAL, SCOPE_OPERATE, NULL, NULL, &error))
		return NULL;
	inside = ++crowd->inside;
	for (int most = crowd->most;
		 most < inside && !atomic_compare_exchange_weak(&crowd->most, &most, inside);)
		;
	usleep(10000);
	crowd->inside--;
	crowd->served++;
	process_gate_leave(crowd->gate, GATE_WAL);
	return NULL;
}

static void
test_crowd(void **state)
{
	Crowd crowd = {.gate = process_gate_new()};
	pthread_t threads[120];

	(void) state;
	for (int i = 0; i < 120; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &crowd), 0);
	for (int i = 0; i < 120; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.most, 3);
	assert_int_equal(crowd.served, 120);
	process_gate_free(crowd.gate);
}

static void
test_places(void **state)
{
	ProcessGate *gate = process_gate_new();
	int64_t start = clock_monotonic_ms();

	(void) state;
	assert_true(enter(gate, GATE_NODE, SCOPE_READ, NULL));
	assert_true(enter(gate, GATE_NODE, SCOPE_READ, NULL));
	/* the last ones are not for those who only read, and the very last is for restores alone */
	assert_false(enter(gate, GATE_NODE, SCOPE_READ, NULL));
	assert_in_range(clock_monotonic_ms() - start, GATE_WAIT_MS, 2 * GATE_WAIT_MS);
	assert_true(enter(gate, GATE_NODE, SCOPE_OPERATE, NULL));
	assert_false(enter(gate, GATE_NODE, SCOPE_OPERATE, NULL));
	assert_true(enter(gate, GATE_NODE, SCOPE_RESTORE, NULL));
	/* another kind has its own */
	assert_true(enter(gate, GATE_ARCHIVE, SCOPE_READ, NULL));
	for (int i = 0; i < 3; i++)
		process_gate_leave(gate, GATE_NODE);
	assert_true(enter(gate, GATE_NODE, SCOPE_READ, NULL));
	process_gate_free(gate);
}

static bool
hung_up(void *argument)
{
	(void) argument;
	return true;
}

static void *
close_gate(void *argument)
{
	usleep(100000);
	process_gate_close(argument);
	return NULL;
}

static void
test_end(void **state)
{
	ProcessGate *gate = process_gate_new();
	int64_t start = clock_monotonic_ms();
	pthread_t thread;

	(void) state;
	assert_true(enter(gate, GATE_ARCHIVE, SCOPE_READ, NULL));
	assert_false(enter(gate, GATE_ARCHIVE, SCOPE_READ, hung_up));
	assert_int_equal(pthread_create(&thread, NULL, close_gate, gate), 0);
	assert_false(enter(gate, GATE_ARCHIVE, SCOPE_READ, NULL));
	assert_true(clock_monotonic_ms() - start < GATE_WAIT_MS);
	pthread_join(thread, NULL);
	process_gate_leave(gate, GATE_ARCHIVE);
	assert_false(enter(gate, GATE_ARCHIVE, SCOPE_OPERATE, NULL));
	process_gate_free(gate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
