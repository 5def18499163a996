/*
 * at_once.c
 *		See at_once.h.
 */
#include "ctl/client/at_once.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

typedef struct Worker
{
	pthread_t thread;
	bool started;
	void (*work)(void *argument, int index);
	void *argument;
	int index;
} Worker;

static void *
at_once_run(void *argument)
{
	const Worker *worker = argument;

	worker->work(worker->argument, worker->index);
	return NULL;
}

void
at_once(int count, void (*work)(void *argument, int index), void *argument)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	Worker workers[AT_ONCE_MOST];

	/* each request sets and restores the signal's action; threads would disturb each other */
	sigaction(SIGPIPE, &ignore, &before);
	for (int i = 0; i < count; i++)
	{
		workers[i] = (Worker){.work = work, .argument = argument, .index = i};
		workers[i].started =
			pthread_create(&workers[i].thread, NULL, at_once_run, &workers[i]) == 0;
	}
	for (int i = 0; i < count; i++)
	{
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
		else
			work(argument, i);
	}
	sigaction(SIGPIPE, &before, NULL);
}
