/*
 * interrupt.h
 *		Signals that end a wait instead of the process: the one flag, and its handler.
 *
 * The flag belongs to the process and is never lowered: an interrupt ends all that follows, too.
 */
#ifndef PGBR_CTL_CLIENT_INTERRUPT_H
#define PGBR_CTL_CLIENT_INTERRUPT_H

#include <stdbool.h>

/* From now on this signal raises the flag; and it has its default meaning again. */
extern void interrupt_catch(int signal_number);
extern void interrupt_release(int signal_number);

/* True once a caught signal has come. */
extern bool interrupt_is_raised(void);

/* The same, for a client's should_abort; the argument is not used. */
extern bool interrupt_should_abort(void *argument);

#endif
