/*
 * memory.h
 *		Memory that was refused is remembered, so that an answer which is made piece by piece can be
 *		known to be incomplete at its end, wherever the piece was that is missing.
 *
 * Each thread has a memory of its own. Whoever makes an answer calls memory_watch first and asks
 * memory_was_refused last. The three allocators are libc's otherwise.
 */
#ifndef PGBR_MEMORY_H
#define PGBR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

extern void *memory_alloc(size_t size);
extern void *memory_zeroed(size_t count, size_t size);
extern void *memory_resize(void *memory, size_t size);

/* For what libc has allocated and could not. */
extern void memory_note_refused(void);

/* Forget what was, and whether any of these failed in this thread since. */
extern void memory_watch(void);
extern bool memory_was_refused(void);

#endif
