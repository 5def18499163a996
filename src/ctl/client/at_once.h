/*
 * at_once.h
 *		The same work for several members at the same time, so that one that does not answer costs
 *		its own time alone.
 */
#ifndef PGBR_CTL_CLIENT_AT_ONCE_H
#define PGBR_CTL_CLIENT_AT_ONCE_H

#define AT_ONCE_MOST 32

/*
 * Call work(argument, index) for each index below count, at most AT_ONCE_MOST, each in a thread of
 * its own, and return when all have returned. What the calls share they only read. Where no thread
 * can be had, the work is done here.
 */
extern void at_once(int count, void (*work)(void *argument, int index), void *argument);

#endif
