/*
 * process_gate.c
 *		See process_gate.h.
 */
#include "sidecar/api/process_gate.h"

#include "program/clock.h"
#include "program/condition.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define LOOK_MS 500

struct ProcessGate
{
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	bool closed;
	int taken[GATE_COUNT];
};

static const int places[GATE_COUNT] = {0,
#define X(name, count) count,
									   PROCESS_GATES(X)
#undef X
};

ProcessGate *
process_gate_new(void)
{
	ProcessGate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	pthread_mutex_init(&gate->lock, NULL);
	condition_init(&gate->changed);
	return gate;
}

void
process_gate_free(ProcessGate *gate)
{
	if (gate == NULL)
		return;
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

void
process_gate_close(ProcessGate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->closed = true;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

bool
process_gate_enter(ProcessGate *gate, Gate kind, Scope scope, bool (*is_gone)(void *argument),
				   void *argument, PgbrError *error)
{
	int64_t until = clock_monotonic_ms() + GATE_WAIT_MS;
	int most = places[kind] - (int) (SCOPE_RESTORE - scope);
	bool ok;

	pthread_mutex_lock(&gate->lock);
	while (!gate->closed && gate->taken[kind] >= most && clock_monotonic_ms() < until &&
		   !(is_gone && is_gone(argument)))
	{
		int64_t look = clock_monotonic_ms() + LOOK_MS;

		condition_wait_until(&gate->changed, &gate->lock, look < until ? look : until);
	}
	ok = !gate->closed && gate->taken[kind] < most;
	if (ok)
		gate->taken[kind]++;
	else if (gate->closed)
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
	else
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE,
					   "too many requests of this kind are being answered");
	pthread_mutex_unlock(&gate->lock);
	return ok;
}

void
process_gate_leave(ProcessGate *gate, Gate kind)
{
	pthread_mutex_lock(&gate->lock);
	gate->taken[kind]--;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}
