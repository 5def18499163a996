// links: sidecar
// runs: 600000
/*
 * postmaster_opts_fuzz.c
 *		Any bytes as a postmaster.opts: the program is an absolute path, no argument names the data
 *		directory, and written down as PostgreSQL does it they are the same again.
 */
#include "common/strbuf.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "fuzz.h"

static void
check(const PostmasterOpts *opts)
{
	PostmasterOpts again;
	StrBuf text;

	MUST(opts->program[0] == '/' && opts->count <= POSTMASTER_OPTS_MOST);
	strbuf_init(&text);
	strbuf_puts(&text, opts->program);
	for (int i = 0; i < opts->count; i++)
	{
		MUST(strncmp(opts->argv[i], "-D", 2) != 0);
		strbuf_printf(&text, " \"%s\"", opts->argv[i]);
	}
	strbuf_putc(&text, '\n');
	MUST(postmaster_opts_read(text.data, &again));
	MUST(strcmp(opts->program, again.program) == 0 && opts->count == again.count);
	for (int i = 0; i < opts->count; i++)
		MUST(strcmp(opts->argv[i], again.argv[i]) == 0);
	postmaster_opts_done(&again);
	strbuf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	PostmasterOpts opts;

	if (postmaster_opts_read(text, &opts))
	{
		check(&opts);
		postmaster_opts_done(&opts);
	}
	MUST(opts.text == NULL && opts.count == 0);
	free(text);
	return 0;
}
