/*
 * interrupt.c
 *		See interrupt.h.
 */
#include "ctl/client/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t raised = 0;

static void
raise_flag(int signal_number)
{
	(void) signal_number;
	raised = 1;
}

void
interrupt_catch(int signal_number)
{
	struct sigaction action = {.sa_handler = raise_flag};

	sigaction(signal_number, &action, NULL);
}

void
interrupt_release(int signal_number)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(signal_number, &action, NULL);
}

bool
interrupt_is_raised(void)
{
	return raised != 0;
}

bool
interrupt_should_abort(void *argument)
{
	(void) argument;
	return interrupt_is_raised();
}
