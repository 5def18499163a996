/*
 * condition.c
 *		See condition.h.
 */
#include "program/condition.h"

#include <errno.h>
#include <time.h>

void
condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool
condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t moment)
{
	struct timespec until = {moment / 1000, moment % 1000 * 1000000};

	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}
