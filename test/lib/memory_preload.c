/*
 * memory_preload.c
 *		A request whose Nth allocation fails: preloaded into pgbackrest_sidecar, it refuses memory
 *		once, where a file says, to the threads that were born since the file was last changed:
 *		those of the connections that a test has opened since. See test/t/019_memory.pl, which
 *		writes the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Control
{
	_Atomic int64_t generation; /* another one for each request */
	_Atomic int64_t fail_at;	/* the allocation that fails, from 1 on; 0: none */
	_Atomic int64_t count;		/* of allocations so far */
} Control;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static Control *control;
static _Thread_local int64_t born __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("PGBR_MEMORY");
	int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (map == MAP_FAILED)
		_exit(1);
	close(file);
	/* not for the programs that it starts */
	unsetenv("LD_PRELOAD");
	control = map;
}

static int
is_refused(void)
{
	if (control == NULL)
		return 0;
	if (born == 0)
		born = control->generation;
	if (born != control->generation || ++control->count != control->fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return is_refused() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
	return is_refused() ? NULL : __libc_realloc(memory, size);
}
