/*
 * yaml_reader.h
 *		The events of a values file's YAML, one at a time, bounded in size and depth, and what a
 *		scalar without quotes is.
 *
 * Knows nothing of keys and sections; values does. An alias is an event like any other and is never
 * expanded. The reader is embedded in its owner: yaml_reader_init, yaml_reader_done. Not
 * thread-safe, but has no globals.
 */
#ifndef PGBR_YAML_READER_H
#define PGBR_YAML_READER_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Real values files are nested a dozen levels deep, mostly by affinities. */
#define YAML_READER_MAX_DEPTH 64

typedef struct YamlReader
{
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; valid until yaml_reader_next */
	const char *name;	/* of the file, for messages */
	int depth;			/* of open mappings and lists, with one that the current event begins */
	PgbrError *error;	/* where yaml_reader_next and yaml_reader_skip put their failure */
} YamlReader;

/*
 * The whole of a regular file of at most limit bytes into *data, which the caller frees, whether or
 * not this succeeds. Fails with CONFIG.
 */
extern bool
yaml_reader_load(const char *path, size_t limit, char **data, size_t *length, PgbrError *error);

/*
 * Begin to read data, which must outlive the reader, as name must. Whether or not this succeeds,
 * the caller ends with yaml_reader_done. False: out of memory, or directives without end (CONFIG).
 */
extern bool yaml_reader_init(YamlReader *reader, const char *name, const char *data, size_t length,
							 PgbrError *error);
extern void yaml_reader_done(YamlReader *reader);

/* Go on to the next event. False: not YAML, or nested too deep (CONFIG), or out of memory. */
extern bool yaml_reader_next(YamlReader *reader);

/*
 * Go on to the last event of the node that the current event begins. Fails as yaml_reader_next
 * does.
 */
extern bool yaml_reader_skip(YamlReader *reader);

/* Put "File, line, column" of the current event into an error that was set. Returns false. */
extern bool yaml_reader_place(const YamlReader *reader, PgbrError *error);

/* The text of a scalar without NUL bytes; NULL for any other event. */
extern const char *yaml_reader_text(const yaml_event_t *event);

/* What a scalar is. One in quotes is a text, and only a text. */
extern bool yaml_reader_is_unset(const yaml_event_t *event); /* null, or empty even in quotes */
extern bool yaml_reader_is_true(const yaml_event_t *event);
extern bool yaml_reader_is_false(const yaml_event_t *event);
extern bool yaml_reader_is_number(const yaml_event_t *event);
extern bool yaml_reader_is_digits(const yaml_event_t *event); /* a number of digits alone */

#endif
