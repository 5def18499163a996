/*
 * at_once.h
 *		Do the same work for several members at the same time, so a member that does not answer does
 *		not delay the others.
 */
#ifndef PGBR_CTL_CLIENT_AT_ONCE_H
#define PGBR_CTL_CLIENT_AT_ONCE_H

#define AT_ONCE_MOST 32

/*
 * Call work(argument, index) for each index below count, at most AT_ONCE_MOST, each in a thread of
 * its own, and return when all have returned. The calls must only read what they share. If no
 * thread can be started, the work is done in the caller's thread.
 */
extern void at_once(int count, void (*work)(void *argument, int index), void *argument);

#endif
