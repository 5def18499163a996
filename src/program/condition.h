/*
 * condition.h
 *		Condition variables whose time-outs are on the clock that never steps.
 */
#ifndef PGBR_CONDITION_H
#define PGBR_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Make a condition variable; ended by pthread_cond_destroy. */
extern void condition_init(pthread_cond_t *condition);

/* Wait until it is signalled or the moment, as clock_monotonic_ms counts, has come: false then. */
extern bool condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t moment);

#endif
