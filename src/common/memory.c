/*
 * memory.c
 *		See memory.h.
 */
#include "common/memory.h"

#include <stdlib.h>

static _Thread_local bool refused;

static void *
noted(void *memory)
{
	refused = refused || memory == NULL;
	return memory;
}

void *
memory_alloc(size_t size)
{
	return noted(malloc(size ? size : 1));
}

void *
memory_zeroed(size_t count, size_t size)
{
	return noted(calloc(count ? count : 1, size));
}

void *
memory_resize(void *memory, size_t size)
{
	return noted(realloc(memory, size ? size : 1));
}

void
memory_note_refused(void)
{
	refused = true;
}

void
memory_watch(void)
{
	refused = false;
}

bool
memory_was_refused(void)
{
	return refused;
}
